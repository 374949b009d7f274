"""The parts of revision 0003, one for each thing that it brought."""
