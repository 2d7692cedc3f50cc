pragma circom 2.0.0;

include "circomlib/circuits/poseidon.circom";

// A hash chain, close to 2^12 constraints, with dense linear combinations and large coefficients.
template PoseidonChain(n) {
    signal input seed;
    signal input salt;
    signal output digest;
    component hash[n];
    for (var i = 0; i < n; i++) {
        hash[i] = Poseidon(2);
        hash[i].inputs[0] <== i == 0 ? seed : hash[i - 1].out;
        hash[i].inputs[1] <== salt;
    }
    digest <== hash[n - 1].out;
}

component main {public [salt]} = PoseidonChain(16);
