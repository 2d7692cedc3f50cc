// {{ head.title() }}
// Made by `{{ head.command }}`, and not to be edited: with --check it says whether this is current.

export const CEREMONY = "{{ head.ceremony }}";
export const KIND: "production" | "rehearsal" = "{{ head.kind }}";
export const SERIAL = {{ head.serial }}n;
export const STATEMENT_SHA256 = "{{ head.statement }}";
export const TRANSCRIPT_SHA256 = "{{ head.transcript }}";

/** A point of G1, as snarkjs writes it: decimal numbers, the last one "1". */
export type G1 = [string, string, string];
/** A point of G2. */
export type G2 = [[string, string], [string, string], [string, string]];

/** What snarkjs' groth16.verify takes. */
export interface VerifyingKey {
  protocol: "groth16";
  curve: "bn128";
  nPublic: number;
  vk_alpha_1: G1;
  vk_beta_2: G2;
  vk_gamma_2: G2;
  vk_delta_2: G2;
  vk_alphabeta_12: [[string, string], [string, string], [string, string]][];
  IC: G1[];
}

export interface Circuit {
  /** SHA-256 of the key's canonical compressed bytes, as the bundle states it. */
  vkSha256: string;
  programHash: string;
  verifyingKey: VerifyingKey;
}

export const CIRCUITS = {
{%- for circuit in circuits %}
  "{{ circuit.name }}": {
    vkSha256: "{{ circuit.vk_sha256 }}",
    programHash: "{{ circuit.program_hash }}",
    verifyingKey: {{ circuit.json }},
  },
{%- endfor %}
} satisfies Record<string, Circuit>;
