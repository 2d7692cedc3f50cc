pragma circom 2.0.0;

include "circomlib/circuits/eddsaposeidon.circom";

// Signatures under one key each: points of a curve, bits, and a hash.
template Signatures(n) {
    signal input ax[n];
    signal input ay[n];
    signal input s[n];
    signal input r8x[n];
    signal input r8y[n];
    signal input m[n];
    component verifiers[n];
    for (var i = 0; i < n; i++) {
        verifiers[i] = EdDSAPoseidonVerifier();
        verifiers[i].enabled <== 1;
        verifiers[i].Ax <== ax[i];
        verifiers[i].Ay <== ay[i];
        verifiers[i].S <== s[i];
        verifiers[i].R8x <== r8x[i];
        verifiers[i].R8y <== r8y[i];
        verifiers[i].M <== m[i];
    }
}

component main {public [m]} = Signatures(6);
