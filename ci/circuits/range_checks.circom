pragma circom 2.0.0;

include "circomlib/circuits/bitify.circom";
include "circomlib/circuits/comparators.circom";

// Numbers of 64 bits, each below the next one.
template Ordered(n) {
    signal input numbers[n];
    component bits[n];
    component below[n - 1];
    for (var i = 0; i < n; i++) {
        bits[i] = Num2Bits(64);
        bits[i].in <== numbers[i];
    }
    for (var i = 0; i + 1 < n; i++) {
        below[i] = LessThan(64);
        below[i].in[0] <== numbers[i];
        below[i].in[1] <== numbers[i + 1];
        below[i].out === 1;
    }
}

component main {public [numbers]} = Ordered(120);
