//! What the numbered checks of docs/formats.md, section 7, mean to somebody who reads a report.

/// A check: its number, and what it means in one sentence.
pub(crate) type Meaning = (u32, &'static str);

/// The checks of phase 1.
pub(crate) const PHASE1: [Meaning; 13] = [
    (0, "As many participants contributed as the rules ask for, a beacon not counted."),
    (1, "Each contributor proved to know the secrets tau, alpha and beta that they multiplied in."),
    (2, "Each contribution multiplied tau by the proved secret, in both groups alike."),
    (3, "Each contribution multiplied alpha and beta by the proved secrets, and by nothing else."),
    (4, "The beacon comes last, and anyone who knows its public value computes the same file."),
    (5, "The points are the powers of one tau, times alpha or beta, and of nothing else."),
    (6, "The points in the file are those that the last contributor published the hash of."),
    (
        7,
        "The prepared part of the file follows from its powers, so that preparing changed nothing.",
    ),
    (
        8,
        "No contribution repeats or cancels an earlier one, and tau is not a value that anyone guesses.",
    ),
    (9, "The file is the published or pinned one, to the last bit."),
    (10, "The file continues the file before it: no earlier contribution was dropped or changed."),
    (11, "The beacon's value is the one that drand published for its round, and nobody's choice."),
    (
        12,
        "The contribution has the secrets that its maker committed to, where the rules ask for it; the journal says when.",
    ),
];

/// The checks of phase 2.
pub(crate) const PHASE2: [Meaning; 13] = [
    (1, "The key has the numbers of wires, public inputs and constraints of this circuit."),
    (
        2,
        "As many participants contributed as the rules ask for, and a beacon comes last or not at all.",
    ),
    (3, "Each contribution was made to the one before it, from this circuit's initial key on."),
    (
        4,
        "Each contributor proved to know the secret that they multiplied delta by, and none cancels another.",
    ),
    (5, "The beacon's contribution is the one that its public value gives."),
    (6, "The delta that proofs are checked with is the product of exactly these contributions."),
    (7, "Everything that contributions must not touch is as in the initial key, byte for byte."),
    (
        8,
        "The parts that contributions change are the initial ones divided by delta, and nothing else.",
    ),
    (9, "The verifying key is none of the kinds with which anyone can make false proofs."),
    (10, "The key continues the key before it: no earlier contribution was dropped or changed."),
    (
        11,
        "The finished key makes a proof that verifies, and that does not verify for other inputs.",
    ),
    (12, "The beacon's value is the one that drand published for its round, and nobody's choice."),
    (
        13,
        "The contribution has the secret that its maker committed to, where the rules ask for it; the journal says when.",
    ),
];
