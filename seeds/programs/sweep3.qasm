OPENQASM 3.0;
include "stdgates.inc";
// Three qubits turned by theta one after the other and compared by controlled NOTs. P(c[0] = 1) = sin(theta/2)**2.
input float theta;
qubit[3] q;
bit[3] c;
ry(theta) q[0];
cx q[0], q[1];
ry(theta) q[1];
cx q[1], q[2];
rz(theta) q[2];
c = measure q;
