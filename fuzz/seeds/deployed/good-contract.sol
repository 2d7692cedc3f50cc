// SPDX-License-Identifier: MIT OR Apache-2.0
// Verifying keys of ceremony boot-2026 (production), serial 7.
// Made by `zk-embed --format solidity`, and not to be edited: with --check it says whether this is current.
pragma solidity >=0.8.13 <0.9.0;

/// Groth16 proofs of circuit attestation, on BN254 (alt_bn128, EIP-196 and EIP-197).
contract Verifier_attestation {
    string public constant CEREMONY = "boot-2026";
    string public constant KIND = "production";
    string public constant CIRCUIT = "attestation";
    uint64 public constant SERIAL = 7;
    bytes32 public constant STATEMENT_SHA256 = 0x590986f092ee0c8d8580077b92aa125945c593d88ab0d7be4b65976b775cb1b7;
    bytes32 public constant TRANSCRIPT_SHA256 = 0xa31c64aab67723346df78ed8a254d40ba75490c9bf94a3797302a13d8c52987a;
    /// Of the key's canonical compressed bytes, as the bundle states it.
    bytes32 public constant VK_SHA256 = 0x40c267eaca5c2193e89cf223354069f1e86faf115a807c5b29531bfce584adfb;
    bytes32 public constant PROGRAM_HASH = 0xbb8d6a93c2b1b6eaed7efdd60619764fe753354b5f380277969d60c42c537e6e;

    // The base field's modulus, and the order of the groups.
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    // The key. The second coordinate of each pair in G2 comes first, as the precompiles have it.
    uint256 private constant ALPHA_X = 12930141539660446792992068586205099559887485734153628273333100195863085983768;
    uint256 private constant ALPHA_Y = 2128649875399909186677022483081175752394806056473857157810982438225566565280;
    uint256 private constant BETA_X1 = 2665108791003201963794887406427064203142875544345790351133651922353477956963;
    uint256 private constant BETA_X0 = 7769428813946535275458796053939218137168159903981632996360827359850239337466;
    uint256 private constant BETA_Y1 = 7493920861321250211194437499466249859589125885762250980390265769101157766718;
    uint256 private constant BETA_Y0 = 21753889104335968215262533087532903557688934990886846550470094554480470750704;
    uint256 private constant GAMMA_X1 = 11559732032986387107991004021392285783925812861821192530917403151452391805634;
    uint256 private constant GAMMA_X0 = 10857046999023057135944570762232829481370756359578518086990519993285655852781;
    uint256 private constant GAMMA_Y1 = 4082367875863433681332203403145435568316851327593401208105741076214120093531;
    uint256 private constant GAMMA_Y0 = 8495653923123431417604973247489272438418190587263600148770280649306958101930;
    uint256 private constant DELTA_X1 = 21384529119568271200300987447232882866762668974115269146510972747007913807876;
    uint256 private constant DELTA_X0 = 11642170233744270193610486640278160381549019210479070404129529534721740855179;
    uint256 private constant DELTA_Y1 = 4543428408257385469331874127950278785856276019550335474682037032635065516239;
    uint256 private constant DELTA_Y0 = 11777626228859519958133836354412734998535685879857172773582344321322963282541;
    uint256 private constant IC0_X = 2673730276633832921781363628747647158436298920147634811970518482052726432875;
    uint256 private constant IC0_Y = 16259923977487126551319363073347737586010543956066678411268346383487973003766;
    uint256 private constant IC1_X = 18519038111727651136998278943886818320559717392847303738545799710240165408703;
    uint256 private constant IC1_Y = 17020390820166367694285116231643452478147849866593615730686601872319383178440;
    uint256 private constant IC2_X = 4249504012903278152222650397136221929321411672819911906025992210346671437975;
    uint256 private constant IC2_Y = 20276136395794141615073227164589928506887416362917189136941697311912026420691;
    
    /// Whether a proof holds for these public inputs. No input that is not below R is taken, so that
    /// each statement has one spelling; what is no proof at all is false as well, and so is a call
    /// with too little gas (give it 205 000 and 7 000 more for each input). Act on true only.
    ///
    /// The points of a proof are (x, y), and in G2 ((x1, x0), (y1, y0)).
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[2] calldata inputs
    ) external view returns (bool) {
        assembly ("memory-safe") {
            function refuse() {
                mstore(0, 0)
                return(0, 32)
            }

            // Adds s * (x, y) to the point at m. A chain without the precompiles answers nothing,
            // and nothing is no answer: the length is compared as well. (Arguments are evaluated
            // from the last to the first.)
            function accumulate(m, x, y, s) {
                if iszero(lt(s, R)) { refuse() }
                let term := add(m, 64)
                mstore(term, x)
                mstore(add(m, 96), y)
                mstore(add(m, 128), s)
                if iszero(and(eq(returndatasize(), 64), staticcall(gas(), 7, term, 96, term, 64))) { refuse() }
                if iszero(and(eq(returndatasize(), 64), staticcall(gas(), 6, m, 128, m, 64))) { refuse() }
            }

            // The pairs (-A, B), (alpha, beta), (sum, gamma) and (C, delta): 24 words. The sum is made
            // first, where it stands, with the words after it as working space.
            let p := mload(0x40)

            let ay := calldataload(add(a, 32))
            if iszero(lt(ay, Q)) { refuse() }

            let sum := add(p, 384)
            mstore(sum, IC0_X)
            mstore(add(sum, 32), IC0_Y)
            accumulate(sum, IC1_X, IC1_Y, calldataload(add(inputs, 0)))
            accumulate(sum, IC2_X, IC2_Y, calldataload(add(inputs, 32)))
            
            calldatacopy(p, a, 32)
            mstore(add(p, 32), mod(sub(Q, ay), Q))
            calldatacopy(add(p, 64), b, 128)

            mstore(add(p, 192), ALPHA_X)
            mstore(add(p, 224), ALPHA_Y)
            mstore(add(p, 256), BETA_X1)
            mstore(add(p, 288), BETA_X0)
            mstore(add(p, 320), BETA_Y1)
            mstore(add(p, 352), BETA_Y0)

            mstore(add(p, 448), GAMMA_X1)
            mstore(add(p, 480), GAMMA_X0)
            mstore(add(p, 512), GAMMA_Y1)
            mstore(add(p, 544), GAMMA_Y0)

            calldatacopy(add(p, 576), c, 64)
            mstore(add(p, 640), DELTA_X1)
            mstore(add(p, 672), DELTA_X0)
            mstore(add(p, 704), DELTA_Y1)
            mstore(add(p, 736), DELTA_Y0)

            if iszero(and(eq(returndatasize(), 32), staticcall(gas(), 8, p, 768, 0, 32))) { refuse() }
            mstore(0, eq(mload(0), 1))
            return(0, 32)
        }
    }
}
