pragma circom 2.0.0;

// More public inputs than constraints.
template ManyPublic(n) {
    signal input x[n];
    signal output product;
    signal partial[4];
    partial[0] <== x[0] * x[1];
    for (var i = 1; i < 4; i++) {
        partial[i] <== partial[i - 1] * x[i + 1];
    }
    product <== partial[3] * x[5];
}

component main {public [x]} = ManyPublic(300);
