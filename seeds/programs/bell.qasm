OPENQASM 2.0;
include "qelib1.inc";
// Two qubits in the state |00> + |11>: half of the shots read 00, half 11.
qreg q[2];
creg c[2];
h q[0];
cx q[0], q[1];
measure q -> c;
