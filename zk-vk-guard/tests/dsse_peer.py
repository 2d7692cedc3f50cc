"""Reads one envelope of ours and answers with one of its own, for securesystemslib.rs.

stdin:  {"envelope": {...}, "keys": [{"keyid": hex, "public": hex, "seed": hex}, ...], "payload": base64}
stdout: {"two_of_two": bool, "three_of_two": bool, "tampered": bool, "envelope": {...}}
"""

import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey


def verifies(envelope, keys, threshold):
    try:
        envelope.verify(keys, threshold)
        return True
    except (VerificationError, ValueError):
        return False


def main():
    given = json.load(sys.stdin)
    keys = [SSlibKey(key["keyid"], "ed25519", "ed25519", {"public": key["public"]}) for key in given["keys"]]
    envelope = Envelope.from_dict(json.loads(json.dumps(given["envelope"])))
    answer = {"two_of_two": verifies(envelope, keys, 2), "three_of_two": verifies(envelope, keys, 3)}
    envelope.payload += b" "
    answer["tampered"] = verifies(envelope, keys, 1)

    theirs = Envelope(base64.b64decode(given["payload"]), "application/vnd.in-toto+json", {})
    for key, public in zip(given["keys"], keys):
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key["seed"]))
        theirs.sign(CryptoSigner(private, public))
    answer["envelope"] = theirs.to_dict()
    json.dump(answer, sys.stdout)


main()
