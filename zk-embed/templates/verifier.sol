// SPDX-License-Identifier: MIT OR Apache-2.0
// {{ head.title() }}
// Made by `{{ head.command }}`, and not to be edited: with --check it says whether this is current.
pragma solidity >=0.8.13 <0.9.0;
{% for circuit in circuits %}
/// Groth16 proofs of circuit {{ circuit.name }}, on BN254 (alt_bn128, EIP-196 and EIP-197).
contract Verifier_{{ circuit.module }} {
    string public constant CEREMONY = "{{ head.ceremony }}";
    string public constant KIND = "{{ head.kind }}";
    string public constant CIRCUIT = "{{ circuit.name }}";
    uint64 public constant SERIAL = {{ head.serial }};
    string public constant STATEMENT_SHA256 = "{{ head.statement }}";
    string public constant TRANSCRIPT_SHA256 = "{{ head.transcript }}";
    /// Of the key's canonical compressed bytes, as the bundle states it.
    string public constant VK_SHA256 = "{{ circuit.vk_sha256 }}";
    string public constant PROGRAM_HASH = "{{ circuit.program_hash }}";

    // The base field's modulus, and the order of the groups.
    uint256 private constant Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 private constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    // The key. The second coordinate of each pair in G2 comes first, as the precompiles have it.
    uint256 private constant ALPHA_X = {{ circuit.alpha.x }};
    uint256 private constant ALPHA_Y = {{ circuit.alpha.y }};
    {% for (name, point) in circuit.g2() -%}
    uint256 private constant {{ name }}_X1 = {{ point.x1 }};
    uint256 private constant {{ name }}_X0 = {{ point.x0 }};
    uint256 private constant {{ name }}_Y1 = {{ point.y1 }};
    uint256 private constant {{ name }}_Y0 = {{ point.y0 }};
    {% endfor -%}
    {% for point in circuit.ic -%}
    uint256 private constant IC{{ loop.index0 }}_X = {{ point.x }};
    uint256 private constant IC{{ loop.index0 }}_Y = {{ point.y }};
    {% endfor %}
    /// Whether a proof holds for these public inputs. No input that is not below R is taken, so that
    /// each statement has one spelling; what is no proof at all is false as well, and so is a call
    /// with too little gas (give it 205 000 and 7 000 more for each input). Act on true only.
    ///
    /// The points of a proof are (x, y), and in G2 ((x1, x0), (y1, y0)).
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c{% if circuit.has_inputs() %},
        uint256[{{ circuit.inputs() }}] calldata inputs{% endif %}
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
            {% for point in circuit.ic[1..] -%}
            accumulate(sum, IC{{ loop.index }}_X, IC{{ loop.index }}_Y, calldataload(add(inputs, {{ loop.index0 * 32 }})))
            {% endfor %}
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
{% endfor -%}
