#!/usr/bin/env python3
"""An age plugin for tests: C2SP's age-plugin.md over stdin and stdout. One who knows the data of a
recipient opens what is sealed to it, so that it protects nothing."""

import base64
import hashlib
import sys

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def data(text):
    """The bytes of a Bech32 string. Its checksum was verified by the client."""
    digits = text.lower().rsplit("1", 1)[1][:-6]
    value, bits, out = 0, 0, bytearray()
    for digit in digits:
        value, bits = (value << 5 | CHARSET.index(digit)) & 0xFFFF, bits + 5
        if bits >= 8:
            bits -= 8
            out.append(value >> bits & 0xFF)
    return bytes(out)


def unpadded(data):
    return base64.b64encode(data).decode().rstrip("=")


def receive():
    """One stanza: its words and its body, whose last line is shorter than 64 columns."""
    words = sys.stdin.readline().split()
    assert words.pop(0) == "->"
    text = ""
    while True:
        line = sys.stdin.readline().rstrip("\n")
        text += line
        if len(line) < 64:
            return words, base64.b64decode(text + "=" * (-len(text) % 4))


def send(*words, body=b""):
    text = unpadded(body)
    lines = [text[i : i + 64] for i in range(0, len(text) + 1, 64)]
    print("->", *words)
    print("\n".join(lines), flush=True)


def received():
    while True:
        words, body = receive()
        if words[0] == "done":
            return
        yield words, body


def mixed(key, salt, file_key):
    mask = hashlib.sha256(key + salt).digest()
    return bytes(a ^ b for a, b in zip(file_key, mask))


def seal():
    keys, wrapped = [], []
    for words, body in received():
        if words[0] == "add-recipient":
            keys.append(data(words[1]))
        elif words[0] == "wrap-file-key":
            wrapped.append(body)
    for i, file_key in enumerate(wrapped):
        for key in keys:
            salt = hashlib.sha256(b"salt" + file_key).digest()[:8]
            send("recipient-stanza", i, "zktest", unpadded(salt), body=mixed(key, salt, file_key))
            assert receive()[0] == ["ok"]
    send("done")


def unseal():
    keys, stanzas = [], []
    for words, body in received():
        if words[0] == "add-identity":
            keys.append(data(words[1]))
        elif words[0] == "recipient-stanza" and words[2] == "zktest":
            stanzas.append((words[1], base64.b64decode(words[3] + "=="), body))
    for file, salt, body in stanzas:
        for key in keys:
            file_key = mixed(key, salt, body)
            if hashlib.sha256(b"salt" + file_key).digest()[:8] == salt:
                send("file-key", file, body=file_key)
                assert receive()[0] == ["ok"]
                break
    send("done")


{"--age-plugin=recipient-v1": seal, "--age-plugin=identity-v1": unseal}[sys.argv[1]]()
