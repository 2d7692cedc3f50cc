pragma circom 2.0.0;

// No public wire at all: the verifier learns that two factors of 35 are known.
template NoPublic() {
    signal input a;
    signal input b;
    a * b === 35;
    signal square;
    square <== a * a;
}

component main = NoPublic();
