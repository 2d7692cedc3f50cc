pragma circom 2.0.0;

include "circomlib/circuits/sha256/sha256.circom";

// One message of two blocks: sums of bits times powers of two in every round.
component main = Sha256(512);
