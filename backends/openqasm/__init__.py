"""How does an OpenQASM program become what an engine takes? One reading, several builders."""
