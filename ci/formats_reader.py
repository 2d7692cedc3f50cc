#!/usr/bin/env python3
"""A second reader of the files that docs/formats.md specifies, written from that page alone.
Usage: formats_reader.py ptau|transcript|bundle FILE. Prints a JSON summary. Exit status: 0 good, 1 refused, 2 usage or
input/output. Not done: a verifier's numbered checks (pairings, beacons, points outside the records), membership in the
subgroup, Ed25519 signatures and keys, and of verifying keys anything but the digests."""
import base64, calendar, hashlib, json, math, os, re, struct, sys, unicodedata
def sha256(data): return hashlib.sha256(data).hexdigest()
class Refused(Exception): pass
def need(ok, where, why):
    if not ok: raise Refused(f"{where}: {why}")

# Section 2: points, in mont_le and uncompressed. Fq2 elements are pairs; an element of Fq has c1 = 0.
Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583
def mul(a, b): return (a[0] * b[0] - a[1] * b[1]) % Q, (a[0] * b[1] + a[1] * b[0]) % Q
TWIST_B = mul((3 * pow(9 * 9 + 1, -1, Q), 0), (9, -1))          # 3 / (9 + u)
def uncompressed(data, where):
    raw = [int.from_bytes(data[i:i + 32], "little") for i in range(0, len(data), 32)]
    need(all(c < Q for c in raw) and any(raw), where, "infinity, or a coordinate that is not below q")
    v = [c * pow(2, -256, Q) % Q for c in raw]
    x, y, b = ((v[0], 0), (v[1], 0), (3, 0)) if len(v) == 2 else (v[:2], v[2:], TWIST_B)
    need(mul(y, y) == tuple((c + d) % Q for c, d in zip(mul(x, mul(x, x)), b)), where, "not on the curve")
    return b"".join(c.to_bytes(32, "big") for c in (v if len(v) == 2 else (v[1], v[0], v[3], v[2])))

# BLAKE2b (RFC 7693) that can go on from an exported state, which hashlib cannot.
SIGMA = ("0123456789abcdef ea489fd61c02b753 b8c052fdae367194 7931dcbe265a40f8 905724afe1bc683d "
         "2c6a0b834d75fe19 c51fed4a0763928b db7ec13950f4862a 6fe9b308c2d714a5 a2847615fb9e3cd0").split()
def compress(h, block, count, last):
    m, mask = struct.unpack("<16Q", block), 2**64 - 1
    v = [*h, *(math.isqrt(p << 128) & mask for p in (2, 3, 5, 7, 11, 13, 17, 19))]
    v[12], v[14] = v[12] ^ count, v[14] ^ mask * last
    for step in range(12 * 16):         # two half steps for each of four columns, then of four diagonals
        a, b, c, d = (4 * row + (step % 16 // 2 + row * (step % 16 // 8)) % 4 for row in range(4))
        v[a] = (v[a] + v[b] + m[int(SIGMA[step // 16 % 10][step % 16], 16)]) & mask
        for to, other, turn in ((d, a, 16 if step % 2 else 32), (b, c, 63 if step % 2 else 24)):
            v[to] = ((v[to] ^ v[other]) >> turn | (v[to] ^ v[other]) << 64 - turn) & mask
            v[c] = (v[c] + v[d]) & mask if to == d else v[c]
    return [h[i] ^ v[i] ^ v[i + 8] for i in range(8)]
def resume(h, count, data):
    while len(data) > 128:
        count, h, data = count + 128, compress(h, data[:128], count + 128, False), data[128:]
    return struct.pack("<8Q", *compress(h, data.ljust(128, b"\0"), count + len(data), True))

# Sections 1 and 4: container and .ptau
HIDDEN = re.compile("[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]")
def cleaned(s): return "".join("\ufffd" if HIDDEN.match(c) or unicodedata.category(c) == "Cc" else c for c in s)
def parameters(data, kind, w):
    at, last, got = 0, 0, {}
    while at < len(data):
        ident = data[at]
        need(last < ident <= 3, w, f"parameter id {ident} unknown or not ascending")
        at, size = (at + 1, 1) if ident == 2 else (at + 2, sum(data[at + 1:at + 2]))
        need(at + size <= len(data), w, "parameter past the end")
        got[ident], at, last = data[at:at + size], at + size, ident
    need(kind in (0, 1) and got.keys() - {1} == ({2, 3} if kind else set()), w, "unknown type, or another's parameters")
    need(not kind or 10 <= got[2][0] <= 30 and got[3], w, "beacon exponent or value out of range")
    name = got.get(1, b"").decode("utf-8", "replace")
    need(name.encode() == got.get(1, b"") and len(name.encode("utf-16-le")) <= 128, w, "name too long or not UTF-8")
    return {"name": cleaned(name) if 1 in got else None, "kind": ("contribution", "beacon")[kind],
            "beacon": {"exponent": got[2][0], "value": got[3].hex()} if kind else None}
def ptau(f):
    end, sections, at, records = os.fstat(f.fileno()).st_size, {}, 12, []
    def read(offset, size, where, stop=end):
        f.seek(offset)
        data = f.read(size if offset + size <= stop else 0)
        need(len(data) == size, where, "the file or the section is too short")
        return data
    magic, version, n = struct.unpack("<4sII", read(0, 12, "container"))
    need(magic == b"ptau" and version == 1 and n <= 16, "container", "not a .ptau, not version 1, or over 16 sections")
    for i in range(n):
        ident, size = struct.unpack("<IQ", read(at, 12, f"section table entry {i}"))
        new = ident in (*range(1, 8), *range(12, 16)) and ident not in sections
        need(new and size <= end - at - 12, f"section {ident}", "unknown id, second time, or past the end of the file")
        sections[ident], at = (at + 12, size), at + 12 + size
    complete = {*range(1, 8)} <= sections.keys() and len(sections) in (7, 11)
    need(complete and at == end, "container", "sections missing, or bytes after the last one")
    n8, field, power, ceremony = struct.unpack("<I32sII", read(sections[1][0], 44, "section 1", sum(sections[1])))
    bn254 = n8 == 32 and field == Q.to_bytes(32, "little")
    need(bn254 and 1 <= power <= ceremony <= 28, "section 1", "not the field of BN254, or powers out of range")
    N, total = 1 << power, 192 * 2**ceremony + 96
    sizes = {1: 44, 2: 128 * N - 64, 3: 128 * N, 4: 64 * N, 5: 64 * N, 6: 128, 7: sections[7][1],
             12: 256 * N - 64, 13: 256 * N - 128, 14: 128 * N - 64, 15: 128 * N - 64}
    need(not (wrong := [i for i in sections if sections[i][1] != sizes[i]]), f"sections {wrong}", "not of exact size")
    at, stop = sections[7][0] + 4, sum(sections[7])
    count, = struct.unpack("<I", read(at - 4, 4, "section 7", stop))
    need(count <= 4096, "section 7", "more than 4096 records")
    for i in range(1, count + 1):
        w, data = f"record {i}", read(at, 1504, f"record {i}", stop)
        kind, length = struct.unpack_from("<II", data, 1496)
        need(length <= 516, w, "more than 516 bytes of parameters")
        cuts = [0, 64, 192, 256, 320, *range(448, 833, 64), *range(960, 1217, 128)]
        points = [uncompressed(data[a:b], f"{w}, point at byte {a}") for a, b in zip(cuts, cuts[1:])]
        *h, t, pos = struct.unpack_from("<10Q", data, 1344)
        need(pos == (total - 1) % 128 + 1 and (t - total + pos) % 2**32 == 0, w, "partial_hash is of another length")
        response = resume(h, total - pos, data[1216:1216 + pos] + b"".join(points[5:]))
        records.append({**parameters(read(at + 1504, length, w, stop), kind, w),
                        "next_challenge": data[1432:1496].hex(), "response_hash": response.hex()})
        at += 1504 + length
    need(at == stop, "section 7", "bytes after the last record")
    sizes = {i: size for i, (_, size) in sections.items()}
    return {"power": power, "ceremony_power": ceremony, "sections": sizes, "contributions": records}

# Section 8: JSON. A type is a dict (object), a range (integer), a pattern, or a function of string, place, strictness.
def unbase64(v, w, strict=True):
    body, alphabet = v.rstrip("="), b"-_" if not strict and re.search("[-_]", v) else None
    padded = body + "=" * (-len(body) % 4)
    good = re.fullmatch("[A-Za-z0-9+/_-]*={0,2}", padded) and v in (padded, padded if strict else body)
    need(good, w, "not base64 as it must be written")
    data = base64.b64decode(padded, alphabet)
    need(base64.b64encode(data, alphabet).decode() == padded, w, "two alphabets of base64, or unused bits not zero")
    return data
UTC = "(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}Z"
RUST = ("abstract as async await become box break const continue crate do dyn else enum extern false final fn for if "
        "impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true "
        "try type typeof unsafe unsized use virtual where while yield").replace(" ", "|")
TYPES = {"u32": range(2**32), "u64": range(2**64), "phase": range(1, 3), "power": range(1, 29), "hex20": "[0-9a-f]{40}", "arithmetic": "[a-z0-9-]{1,16}",
         "exponent": range(10, 64), "hex32": "[0-9a-f]{64}", "hex48": "[0-9a-f]{96}", "hex64": "[0-9a-f]{128}", "value": "([0-9a-f]{2}){1,255}",
         "ceremony": "[a-z0-9][a-z0-9._-]{0,63}", "name": f"(?!({RUST})$)[a-z][a-z0-9_-]{{0,47}}", "b64": unbase64,
         "text": lambda v, *_: 1 <= len(v.encode()) + v.count('"') + v.count("\\") <= 370 and v == v.strip() == cleaned(v),
         "time": lambda v, *_: re.fullmatch(UTC, v) and int(v[8:10]) <= calendar.monthrange(int(v[:4]), int(v[5:7]))[1],
         "keyid": lambda v, *_: len(v.encode()) <= 256, "sig": lambda *v: len(unbase64(*v)) == 64,
         "kind": "rehearsal|production", "curve": "bn254", "proof_system": "groth16", "program_rule": "id|given",
         "origin": "new|external", "payloadType": r"application/vnd\.in-toto\+json", "f-bundle": "zk-ceremony-bundle/2",
         "_type": r"https://in-toto\.io/Statement/v1", "f-transcript": "zk-ceremony-transcript/3",
         "uri-step": "urn:zk-ceremony:step-attestation:v4", "uri-bundle": "urn:zk-ceremony:bundle-provenance:v2",
         "uri-amendment": "urn:zk-ceremony:amendment:v1", "handover-word": "handover",
         "f-manifest": "zk-ceremony-manifest/1"}
# Objects: "type = fields", a field is "name" or "name:type". Without a type it is of the type of its name, or hex32
# where the name ends in sha256. "?" ends an optional, "[]" a list.
for item in """envelope = payload:b64 payloadType signatures:signature[]; signature = keyid sig; digest = sha256;
    subject = name:text digest; circuit-id = name circuit_sha256; beacon = source:text round:u64 value signature:hex48? exponent;
    step-statement = _type subject:subject[] predicateType:uri-step predicate:step-attestation; step-attestation =
    ceremony ceremony_toml_sha256 kind phase circuit:circuit-id? action:text index:u32 participant:text input_sha256?
    contribution_hash:hex64? beacon? tool:text build? entropy:text destruction:text
    verified:text reason:text? time; build = commit:hex20? executable_sha256:hex32? arithmetic; bundle-statement =
    _type subject:subject[] predicateType:uri-bundle predicate:provenance; provenance = ceremony kind curve
    proof_system serial:u64 issued:time not_after:time predecessor:hex32?; manifest = format:f-manifest
    phase1_contributions:u32 circuits:stated[]; stated = name program_id:text program_rule program_hash:hex32
    circuit_sha256 vk_sha256 vk_uncompressed_sha256 public_inputs:u32 contributions:u32;
    amendment-statement = _type subject:subject[] predicateType:uri-amendment predicate:amendment; amendment = ceremony
    ceremony_toml_sha256 kind number:u32 previous:hex32? change:to-a-deputy heads:head[] reason:text time; to-a-deputy =
    type:handover-word coordinator:text key:hex32; head = circuit:name? file:hex32;
    transcript = format:f-transcript ceremony kind curve ceremony_toml_sha256 coordinator:hex32 deputies?
    handovers:handover[] phase1 circuits:circuit[] rejected:rejection[]; deputies = threshold:u32 keys:hex32[]; handover
    = coordinator:hex32 envelope; phase1 = power start steps:link[] prepared; link = challenge:hex64 next_challenge:hex64 step; start = origin file_sha256 challenge:hex64 attestation:envelope; step
    = index:u32 name:text beacon? input_sha256 file_sha256 contribution_hash:hex64 attested?; attested = key:hex32
    envelope; prepared = input_sha256 file_sha256 attestation:envelope; circuit = name circuit_sha256 public_inputs:u32
    cs_hash:hex64 initial_sha256 opening:envelope steps:step[] final_sha256 vk_sha256 vk_uncompressed_sha256; rejection
    = phase circuit:name? index:u32 file_sha256 reason:text attestation:envelope; bundle = format:f-bundle envelope
    manifest:b64 verifying_keys:carried[] transcript:b64; carried = circuit:name key:forms; forms =
    compressed:b64 uncompressed:b64""".split(";"):
    TYPES[item.split()[0]] = {k: t or ("hex32" if k.endswith("sha256") else k) + q for k, q, t in
                              re.findall(r"(\w+)([?]?):?(\S*)", item.split("=")[1])}
def check(v, t, w, strict=True):
    rule, inner = TYPES.get(t.rstrip("?")), []
    if t[-1] == "?" and v is None: return
    if t[-1] == "]":
        good, inner = type(v) is list, [(item, t[:-2], f"[{i}]") for i, item in enumerate(v if type(v) is list else ())]
    elif type(rule) is dict:        # of the fields of tolerant documents that are read here, only keyid may be left out
        good = type(v) is dict and ([*v] == [*rule] if strict else v.keys() | rule.keys() & {"keyid"} == rule.keys())
        inner = [(v[k], rule[k], "." + k) for k in v] if good else []
    elif type(rule) is range:
        good = type(v) is int and v in rule
    else:
        good = type(v) is str and (rule(v, w, strict) if callable(rule) else re.fullmatch(rule, v)) not in (None, False)
    need(good, w, f"not of type {t}, or fields missing, unknown or out of order")
    for item, item_type, name in inner: check(item, item_type, w + name, strict)
def parse(data, t, w, strict=True):
    limits = {"transcript": 2**24, "bundle": 2**25, "manifest": 2**15}
    need(len(data) <= limits.get(t, 4052), w, "longer than its limit")
    try:
        v = json.loads(data.decode("utf-8"), object_pairs_hook=lambda items:
                       dict(items) if len(dict(items)) == len(items) else need(False, w, "a field occurs twice"))
        again = json.dumps(v, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        check(v, t, w, strict)
    except (ValueError, RecursionError) as e:
        raise Refused(f"{w}: not JSON in UTF-8: {e}") from None
    need(not strict or again == data, w, "not canonical: encoding it again gives other bytes")
    return v

# Sections 9 and 11: envelopes and the transcript
def statement(envelope, t, w, strict=True):
    payload = unbase64(envelope["payload"], w, strict)
    pae = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    need(len(pae) <= 4096 and 1 <= len(envelope["signatures"]) <= 192, w, "PAE too long, or not 1 to 192 signatures")
    return parse(payload, t, w + ".payload")
def says(t, envelope, w, file, phase, circuit, action, index, **facts):
    st = statement(envelope, "step-statement", w)
    given = {"contribution_hash": None, "beacon": None, "reason": None, "phase": phase, "action": action,
             "index": index, "circuit": circuit and {k: circuit[k] for k in ("name", "circuit_sha256")},
             **{k: t[k] for k in ("ceremony", "ceremony_toml_sha256", "kind")}, **facts}
    need(len(st["subject"]) == 1 and st["subject"][0]["digest"]["sha256"] == file, w, "subject is not the step's file")
    for k in given: need(st["predicate"][k] == given[k], w, f"the attestation's {k} is not the step's")
def coordinators(t): return [t["coordinator"], *(h["coordinator"] for h in t["handovers"])]
def handovers(t):
    keys = t["deputies"]["keys"] if t["deputies"] else []
    need(not t["deputies"] or 1 <= t["deputies"]["threshold"] <= len(set(keys)) == len(keys) <= 16 and
         t["coordinator"] not in keys and len(t["handovers"]) <= 16, "deputies", "not a sound rule")
    acting, number = t["coordinator"], 0
    for i, h in enumerate(t["handovers"]):
        w, st = f"handover {i}", statement(h["envelope"], "amendment-statement", f"handover {i}")
        p, to, toml = st["predicate"], h["coordinator"], [("ceremony.toml", t["ceremony_toml_sha256"])]
        need([(s["name"], s["digest"]["sha256"]) for s in st["subject"]] == toml and p["change"]["key"] == to and
             all(p[k] == t[k] for k in ("ceremony", "ceremony_toml_sha256", "kind")), w, "of another ceremony or key")
        need(to != acting and to in (*keys, t["coordinator"]) and p["number"] > number, w, "not to a deputy, in order")
        acting, number = to, p["number"]
def chain(t, w, phase, circuit, steps, file):
    for i, s in enumerate(steps, 1):
        at, a, action = f"{w} step {i}", s["attested"], "beacon" if i == len(steps) else "contribution"
        need(s["index"] == i and s["input_sha256"] == file, at, "wrong index, or input is not the file before it")
        fits = s["beacon"] is None if i < len(steps) else s["beacon"] and a and a["key"] in coordinators(t)
        need(fits, at, "the beacon, and only it, must be the last step and attested by the coordinator")
        signed = s["beacon"] and s["beacon"]["signature"]
        need(not signed or s["beacon"]["source"].startswith("drand ") and sha256(bytes.fromhex(signed)) ==
             s["beacon"]["value"], at, "the beacon is not drand's, or its value not that of its signature")
        file = s["file_sha256"]
        a and says(t, a["envelope"], at, file, phase, circuit, action, i, participant=s["name"],
                   **{k: s[k] for k in ("input_sha256", "contribution_hash", "beacon")})
    return file
def transcript(data):
    t = parse(data, "transcript", "transcript")
    start, prepared, circuits = t["phase1"]["start"], t["phase1"]["prepared"], t["circuits"]
    names, links, new = [c["name"].replace("-", "_") for c in circuits], t["phase1"]["steps"], start["origin"] == "new"
    need(names and names == sorted(set(names)), "circuits", "none, or not in rising order")
    handovers(t)
    says(t, start["attestation"], "phase1.start", start["file_sha256"], 1, None, "open", 0, input_sha256=None)
    steps, challenges = [s["step"] for s in links], [start["challenge"], *(s["next_challenge"] for s in links)]
    need([s["challenge"] for s in links] == challenges[:-1], "phase 1", "challenge is not the one before")
    last = chain(t, "phase 1", 1, None, steps, start["file_sha256"])
    same = prepared["file_sha256"] == last
    w, count = "phase1.prepared", len(steps) + 1
    need(prepared["input_sha256"] == last and not (same and (new or steps)) and count > 2 * new, w, "does not follow")
    says(t, prepared["attestation"], w, prepared["file_sha256"], 1, None, "prepare", count, input_sha256=last)
    files = [start["file_sha256"], *(s["file_sha256"] for s in steps), *([] if same else [prepared["file_sha256"]])]
    for c in circuits:
        w = f"circuit {c['name']}"
        says(t, c["opening"], w, c["initial_sha256"], 2, c, "open", 0, input_sha256=prepared["file_sha256"])
        last = chain(t, w, 2, c, c["steps"], c["initial_sha256"])
        need(last == c["final_sha256"] and len(c["steps"]) > 1, w, "no contribution, or another final file")
        files += [c["initial_sha256"], *(s["file_sha256"] for s in c["steps"])]
    hashes = [s["contribution_hash"] for part in (steps, *(c["steps"] for c in circuits)) for s in part]
    for what, values in (("file", files), ("contribution hash", hashes), ("challenge", challenges)):
        need(len(set(values)) == len(values), "transcript", f"a {what} occurs twice")
    for i, r in enumerate(t["rejected"]):
        c = next((c for c in circuits if c["name"] == r["circuit"]), None)
        fits, w = r["circuit"] is None if r["phase"] == 1 else c, f"rejection {i}"
        need(fits and r["file_sha256"] not in files, w, "circuit does not fit, or the file is in the chain")
        says(t, r["attestation"], w, r["file_sha256"], r["phase"], c, "reject", r["index"], reason=r["reason"])
    def shown(steps): return [{k: s[k] for k in ("name", "beacon", "contribution_hash")} for s in steps]
    return t, {"transcript_sha256": sha256(data), "signatures": "not checked", "ceremony": t["ceremony"],
               "kind": t["kind"], "power": t["phase1"]["power"], "origin": start["origin"], "phase1": shown(steps),
               "circuits": {c["name"]: shown(c["steps"]) for c in circuits}, "rejected": len(t["rejected"])}

# Section 12 and 13: the bundle
def bundle(data):
    b = parse(data, "bundle", "bundle", False)
    raw, st = unbase64(b["transcript"], "bundle", False), statement(b["envelope"], "bundle-statement", "bundle", False)
    listed = unbase64(b["manifest"], "bundle", False)
    p, (t, summary), m = st["predicate"], transcript(raw), parse(listed, "manifest", "manifest")
    subjects = [("manifest.json", sha256(listed)), ("transcript.json", sha256(raw))]
    need([(s["name"], s["digest"]["sha256"]) for s in st["subject"]] == subjects, "subject", "not those carried")
    need([k["circuit"] for k in b["verifying_keys"]] == [c["name"] for c in m["circuits"]], "bundle", "other keys")
    for c, carried in zip(m["circuits"], b["verifying_keys"]):
        for form, digest in (("compressed", "vk_sha256"), ("uncompressed", "vk_uncompressed_sha256")):
            key = unbase64(carried["key"][form], c["name"], False)
            need(sha256(key) == c[digest], c["name"], f"digest of the {form} key is not the one stated")
        given = c["program_rule"] == "given" or sha256(b"zk-ceremony program id v1\0" + c["program_id"].encode())
        need(given in (True, c["program_hash"]), c["name"], "program_hash does not follow its rule")
    need(len({c["program_hash"] for c in m["circuits"]}) == len(m["circuits"]), "manifest", "equal program hashes")
    need(len({c["vk_sha256"] for c in m["circuits"]}) == len(m["circuits"]), "manifest", "equal verifying keys")
    need(p["not_after"] >= p["issued"] and p["predecessor"] != sha256(raw), "statement", "not_after or predecessor")
    same = ["name", "circuit_sha256", "public_inputs", "vk_sha256", "vk_uncompressed_sha256"]
    found = [[c[k] for k in same] + [len(c["steps"]) - 1] for c in t["circuits"]]
    stated = [[c[k] for k in same + ["contributions"]] for c in m["circuits"]]
    need(found == stated and all(t[k] == p[k] for k in ("ceremony", "kind", "curve")) and m["phase1_contributions"] ==
         max(0, len(t["phase1"]["steps"]) - 1), "statement", "says otherwise than the transcript")
    return {"statement": p, "manifest": m, "subjects": dict(subjects), "signatures": "not checked",
            "transcript": summary}

if __name__ == "__main__":
    readers = {"ptau": ptau, "transcript": lambda data: transcript(data)[1], "bundle": bundle}
    try:
        if len(sys.argv) != 3 or sys.argv[1] not in readers: raise OSError("usage: ptau|transcript|bundle FILE")
        with open(sys.argv[2], "rb") as file:
            summary = readers[sys.argv[1]](file if sys.argv[1] == "ptau" else file.read(2**25 + 1))
        print(json.dumps(summary, indent=1))
    except (Refused, OSError) as e:
        print(ascii(f"refused: {e}" if isinstance(e, Refused) else str(e))[1:-1], file=sys.stderr)
        sys.exit(1 if isinstance(e, Refused) else 2)
