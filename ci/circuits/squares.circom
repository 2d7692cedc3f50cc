pragma circom 2.0.0;

// 2^14 constraints and a little more: a domain of 2^15, where the initial key's hash has its quirk.
template Squares(n) {
    signal input x;
    signal output y;
    signal z[n + 1];
    z[0] <== x;
    for (var i = 0; i < n; i++) {
        z[i + 1] <== z[i] * z[i] + i;
    }
    y <== z[n];
}

component main = Squares(16400);
