pragma circom 2.0.0;

// Compiled without simplification: private inputs that only A, only B, only C, or no constraint names, so that A, B and L have points at
// infinity.
template InfinityColumns() {
    signal input only_a;
    signal input only_b;
    signal input only_c;
    signal input nowhere;
    signal output out;
    signal product;
    product <== only_a * only_b;
    out <== product * product + 7 * only_c;
    only_c === 3;
}

component main = InfinityColumns();
