#!/usr/bin/env python3
"""Makes index.json: attacks on JSON Web Signatures, each beside what it was made from. Needs `cryptography`. Run it only
to add a case: keys and signatures are new every time."""

import base64, datetime, hashlib, hmac, json, os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

NOW = "2026-06-01T00:00:00Z"
SECONDS = 1780272000


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def dumps(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


class Key:
    def __init__(self, key, name):
        self.key, self.name = key, name

    def spki(self):
        return self.key.public_key().public_bytes(serialization.Encoding.DER,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)

    def pem(self):
        return self.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def jwk(self, **more):
        public = self.key.public_key()
        if isinstance(self.key, rsa.RSAPrivateKey):
            n = public.public_numbers()
            members = {"kty": "RSA", "n": b64(n.n.to_bytes((n.n.bit_length() + 7) // 8, "big")), "e": "AQAB"}
        elif isinstance(self.key, ec.EllipticCurvePrivateKey):
            n, width = public.public_numbers(), (self.key.curve.key_size + 7) // 8
            members = {"kty": "EC", "crv": "P-" + str(self.key.curve.key_size), "x": b64(n.x.to_bytes(width, "big")),
                       "y": b64(n.y.to_bytes(width, "big"))}
        else:
            members = {"kty": "OKP", "crv": "Ed25519",
                       "x": b64(public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))}
        return dumps({**members, **more})

    def sign(self, alg, data):
        hash = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}.get(alg[2:], hashes.SHA256)()
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.der(hash, data))
            width = (self.key.curve.key_size + 7) // 8
            return r.to_bytes(width, "big") + s.to_bytes(width, "big")
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        scheme = padding.PSS(padding.MGF1(hash), hash.digest_size) if alg.startswith("PS") else padding.PKCS1v15()
        return self.key.sign(data, scheme, hash)

    def der(self, hash, data):
        return self.key.sign(data, ec.ECDSA(hash))


EC, EC2, EC384 = (Key(ec.generate_private_key(curve), name)
                  for curve, name in ((ec.SECP256R1(), "ec"), (ec.SECP256R1(), "other"), (ec.SECP384R1(), "ec384")))
RSA = Key(rsa.generate_private_key(65537, 2048), "rsa")
ED = Key(ed25519.Ed25519PrivateKey.generate(), "ed")
ALG = {"ec": "ES256", "other": "ES256", "ec384": "ES384", "rsa": "RS256", "ed": "EdDSA"}
CLAIMS = {"iss": "publisher", "iat": SECONDS - 60, "nbf": SECONDS - 60, "exp": SECONDS + 3600, "list": [1, 2]}


def parts(key, header=None, payload=None, plain=False, alg=None):
    """Header, payload and signature, each encoded as it stands in a compact JWS."""
    alg = alg or ALG[key.name]
    header = b64(dumps({"alg": alg} if header is None else header))
    payload = dumps(CLAIMS if payload is None else payload)
    payload = payload if plain else b64(payload)
    return header, payload, b64(key.sign(alg, f"{header}.{payload}".encode()))


def compact(*arguments, **more):
    return ".".join(parts(*arguments, **more))


CASES = []


def case(name, document, keys=EC, reason=None, found=None, **more):
    keys = keys if isinstance(keys, dict) else {keys.name: keys.pem()}
    entry = {"name": name, "now": NOW, "keys": keys, "document": document}
    entry.update({"reason": reason} if reason else {})
    entry.update({"found": found} if found else {})
    if not reason and "payload" not in more and "no_identity" not in more:
        entry["identity"] = "publisher"
    more.pop("no_identity", None)
    CASES.append({**entry, **more})


SIGNATURE, DOCUMENT, MISMATCH = "malformed-signature", "malformed-document", "signature-mismatch"

# What is accepted, and that its twin by another key is not.
for key in (EC, EC384, RSA, ED):
    case(f"good {ALG[key.name]}", compact(key), key)
for alg in ("RS384", "RS512", "PS256", "PS384", "PS512"):
    case(f"good {alg}", compact(RSA, {"alg": alg}, alg=alg), RSA)
case("good Ed25519 under its own name (RFC 9864)", compact(ED, {"alg": "Ed25519"}), ED)
case("another key", compact(EC2), EC, MISMATCH)
case("another Ed25519 key", compact(Key(ed25519.Ed25519PrivateKey.generate(), "ed")), ED, MISMATCH)

# No algorithm, a secret one, that of another key.
h, p, s = parts(EC)
for word in ("none", "None", "NONE", "nOnE", "", "es256", "ES256 ", "ES512", "ES256K", "HS256"):
    case(f"alg {word!r}", f"{b64(dumps({'alg': word}))}.{p}.{s}", EC, SIGNATURE, f"alg {json.dumps(word)}")
case("alg none without signature", f"{b64(dumps({'alg': 'none'}))}.{p}.", EC, SIGNATURE, 'alg "none"')
for what, secret in (("PEM", EC.pem().encode()), ("PEM without the last line feed", EC.pem().strip().encode()),
                     ("DER", EC.spki()), ("JWK", EC.jwk().encode())):
    head = b64(dumps({"alg": "HS256", "typ": "JWT"}))
    mac = hmac.new(secret, f"{head}.{p}".encode(), hashlib.sha256).digest()
    case(f"HMAC with the public key as secret, {what}", f"{head}.{p}.{b64(mac)}", EC, SIGNATURE, 'alg "HS256"')
case("ECDSA asked of an RSA key", compact(EC), RSA, SIGNATURE, 'alg "ES256"')
case("RSA asked of an EC key", compact(RSA), EC, SIGNATURE, 'alg "RS256"')
case("ES384 with a key on P-256", compact(EC, {"alg": "ES384"}, alg="ES384"), EC, SIGNATURE, 'alg "ES384"')
case("ES256 with a key on P-384", compact(EC384, {"alg": "ES256"}, alg="ES256"), EC384, SIGNATURE, 'alg "ES256"')
case("PS256 with a key for RS256 alone", compact(RSA, {"alg": "PS256"}, alg="PS256"),
     {"rsa": RSA.jwk(alg="RS256")}, SIGNATURE, 'alg "PS256"')
case("RS256 that was made as PS256", compact(RSA, {"alg": "RS256"}, alg="PS256"), RSA, MISMATCH)
case("EdDSA with a key on P-256", compact(ED), EC, SIGNATURE, 'alg "EdDSA"')

# The header.
for what, text in (("no alg", {"kid": "a"}), ("alg as a number", {"alg": 1}), ("alg as a list", {"alg": ["ES256"]}),
                   ("kid as a number", {"alg": "ES256", "kid": 1}), ("typ as a list", {"alg": "ES256", "typ": []})):
    case(what, compact(EC, text), EC, SIGNATURE)
for what, text in (("alg twice", '{"alg":"none","alg":"ES256"}'), ("alg twice, the other way", '{"alg":"ES256","alg":"none"}'),
                   ("alg twice, once escaped", '{"alg":"ES256","\\u0061lg":"none"}'),
                   ("kid twice", '{"alg":"ES256","kid":"a","kid":"b"}'),
                   ("a member twice inside another", '{"alg":"ES256","jwk":{"kty":"EC","kty":"RSA"}}')):
    case(what, compact(EC, text), EC, SIGNATURE, "stands twice")
case("a header that is a list", compact(EC, '["ES256"]'), EC, SIGNATURE, "no object")
case("a header that is no JSON", compact(EC, "ES256"), EC, SIGNATURE)
case("two headers", compact(EC, '{"alg":"ES256"}{"alg":"none"}'), EC, SIGNATURE, "trailing")
case("a header nested without end", compact(EC, '{"alg":"ES256","x":' + "[" * 100 + "]" * 100 + "}"), EC, SIGNATURE,
     "too many levels")
mine = json.loads(EC2.jwk())
for what, member in (("jwk", {"jwk": mine}), ("jku", {"jku": "https://attacker.example/jwks"}),
                     ("x5u", {"x5u": "https://attacker.example/cert"}), ("kid", {"kid": "ec"}),
                     ("kid of a path", {"kid": "../../../../dev/null"})):
    case(f"the attacker's key brought by {what}", compact(EC2, {"alg": "ES256", **member}), EC, MISMATCH)
case("kid of no key", compact(EC, {"alg": "ES256", "kid": "b"}), {"ec": EC.jwk(kid="a")}, "key-unknown", 'kid "b"')
case("kid of a key", compact(EC, {"alg": "ES256", "kid": "a"}), {"ec": EC.jwk(kid="a"), "rsa": RSA.jwk(kid="b")})
case("kid of another key", compact(EC, {"alg": "ES256", "kid": "b"}), {"ec": EC.jwk(kid="a"), "two": EC2.jwk(kid="b")},
     MISMATCH)
case("a kid, and keys without one", compact(EC, {"alg": "ES256", "kid": "b"}), EC)

# crit and b64.
for what, header, found in (
    ("unknown", {"alg": "ES256", "crit": ["exp"], "exp": 1}, '"exp" in crit'),
    ("unknown beside b64", {"alg": "ES256", "crit": ["b64", "x"], "b64": True, "x": 1}, '"x" in crit'),
    ("empty", {"alg": "ES256", "crit": []}, None), ("a text", {"alg": "ES256", "crit": "b64", "b64": True}, None),
    ("a number in it", {"alg": "ES256", "crit": [1]}, None),
    ("a registered name in it", {"alg": "ES256", "crit": ["alg"]}, '"alg" in it'),
    ("what is not there", {"alg": "ES256", "crit": ["b64"]}, '"b64" in it'),
    ("one twice", {"alg": "ES256", "crit": ["b64", "b64"], "b64": True}, '"b64" in it'),
    ("itself", {"alg": "ES256", "crit": ["crit"]}, '"crit" in it'),
    ("b64 that is not in it", {"alg": "ES256", "b64": False}, "b64 alone"),
    ("b64 true that is not in it", {"alg": "ES256", "b64": True}, "b64 alone"),
    ("b64 as a text", {"alg": "ES256", "crit": ["b64"], "b64": "false"}, None),
    ("b64 as null", {"alg": "ES256", "crit": ["b64"], "b64": None}, None),
):
    case(f"crit: {what}", compact(EC, header), EC, SIGNATURE, found)
PLAIN = {"alg": "ES256", "crit": ["b64"], "b64": False}
case("good b64 true", compact(EC, {"alg": "ES256", "crit": ["b64"], "b64": True}))
case("good b64 false, attached", compact(EC, PLAIN, "a payload of one part", plain=True), payload="a payload of one part")
case("b64 false with a dot in the payload", compact(EC, PLAIN, "two.parts", plain=True), EC, DOCUMENT, "a fourth part")
case("b64 false with a line feed in the payload", compact(EC, PLAIN, "two\nlines", plain=True), EC, DOCUMENT)
case("b64 false taken for base64url", compact(EC, PLAIN, b64("payload"), plain=True).replace(
    b64(dumps(PLAIN)), b64(dumps({"alg": "ES256"}))), EC, MISMATCH)
case("base64url taken for b64 false", ".".join([b64(dumps(PLAIN)), p, s]), EC, MISMATCH)

# The three parts.
letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
h3, p3, s3 = parts(EC, {"alg": "ES256"}, "text of one letter too many!")
ragged = {"header": parts(EC, '{"alg":"ES256"}'), "payload": parts(EC, payload="1234"), "signature": parts(EC)}
for index, (what, whole) in enumerate(ragged.items()):
    whole = list(whole)
    assert len(whole[index]) % 4 != 0 or index == 0, what
    while len(whole[index]) % 4 == 0:  # a header with a letter more has bits to spare
        whole = list(parts(EC, '{"alg":"ES256" }' if len(whole[index]) % 4 == 0 else None))
        if len(whole[index]) % 4 == 0:
            whole = list(parts(EC, '{"alg":"ES256"  }'))
    last = whole[index][-1]
    for spare in (1, 2, 3) if len(whole[index]) % 4 == 3 else (1, 7, 15):
        twin = letters[letters.index(last) + spare] if letters.index(last) + spare < 64 else None
        if twin:
            changed = whole[:index] + [whole[index][:-1] + twin] + whole[index + 1:]
            case(f"bits to spare in the {what}: {spare}", ".".join(changed), EC,
                 SIGNATURE if what != "payload" else DOCUMENT, no_claims=True)
            break
for what, change in (("padding behind the header", f"{h}=.{p}.{s}"), ("padding behind the payload", f"{h}.{p}=.{s}"),
                     ("padding behind the signature", f"{h}.{p}.{s}=="), ("a line feed at the end", f"{h}.{p}.{s}\n"),
                     ("a line feed inside", f"{h}.{p[:9]}\n{p[9:]}.{s}"), ("a space before a dot", f"{h} .{p}.{s}"),
                     ("a byte order mark", f"\ufeff{h}.{p}.{s}"), ("a NUL at the end", f"{h}.{p}.{s}\0"),
                     ("plus", f"{h}.{p[:8]}+{p[9:]}.{s}"), ("a slash", f"{h}.{p[:8]}/{p[9:]}.{s}"),
                     ("one part", h), ("two parts", f"{h}.{p}"), ("four parts", f"{h}.{p}.{s}.{s}"),
                     ("five parts, as a JWE has", f"{h}.{p}.{s}.{s}.{s}"), ("a dot at the end", f"{h}.{p}.{s}."),
                     ("a page", "<!DOCTYPE html><title>404</title>"), ("nothing", ""), ("a line feed", "\n"),
                     ("without payload", f"{h}..{s}"), ("a space in front", f" {h}.{p}.{s}")):
    case(what, change, EC, DOCUMENT)
for what, change in (("without header", f".{p}.{s}"), ("dots alone", ".."), ("without signature", f"{h}.{p}."),
                     ("a signature of one letter", f"{h}.{p}.A")):
    case(what, change, EC, SIGNATURE)
raw = base64.urlsafe_b64decode(s + "==")
der = EC.der(hashes.SHA256(), f"{h}.{p}".encode())
for what, signature in (("zeros", bytes(64)), ("cut short", raw[:63]), ("with a byte more", raw + b"\0"), ("in DER", der),
                        ("of another length", raw * 2), ("with a bit changed", bytes([raw[0] ^ 1]) + raw[1:])):
    case(f"a signature {what}", f"{h}.{p}.{b64(signature)}", EC, MISMATCH)
other = b64(dumps({**CLAIMS, "iss": "attacker"}))
case("another payload", f"{h}.{other}.{s}", EC, MISMATCH)
case("another header", f"{b64(dumps({'alg': 'ES256', 'kid': 'x'}))}.{p}.{s}", EC, MISMATCH)

# Type and claims.
typed = compact(EC, {"alg": "ES256", "typ": "trust-anchor+jwt"})
case("typ as it is configured", typed, typ="trust-anchor+jwt")
case("typ in other letters and in full", typed, typ="application/Trust-Anchor+JWT")
case("typ of another kind of document", typed, EC, "identity-mismatch", "trust-anchor+jwt", typ="at+jwt")
case("no typ where one is configured", compact(EC), EC, "identity-missing", typ="at+jwt")
for what, claims, reason in (
    ("expired", {"exp": SECONDS - 1}, "document-expired"), ("not yet valid", {"nbf": SECONDS + 1}, "document-not-yet-valid"),
    ("exp as a text", {"exp": "2030-01-01T00:00:00Z"}, DOCUMENT), ("exp below zero", {"exp": -1}, DOCUMENT),
    ("exp as a list", {"exp": [SECONDS + 9]}, DOCUMENT), ("exp as null", {"exp": None}, DOCUMENT),
    ("iat as a text", {"iat": "now"}, DOCUMENT), ("iss as a number", {"iss": 1}, DOCUMENT),
):
    case(f"claims: {what}", compact(EC, None, {**CLAIMS, **claims}), EC, reason)
case("claims: exp with a fraction", compact(EC, None, {**CLAIMS, "exp": SECONDS + 0.5}))
case("claims: exp at the end of time", compact(EC, None, {**CLAIMS, "exp": 10 ** 19}))
case("claims: exp twice", compact(EC, None, f'{{"exp":{SECONDS + 9},"exp":{SECONDS - 9}}}'), EC, DOCUMENT, "stands twice")
case("claims: a member twice elsewhere", compact(EC, None, '{"a":{"b":1,"b":2}}'), EC, DOCUMENT, "stands twice")
case("claims: begins as JSON and is none", compact(EC, None, "{{ template }}"), EC, DOCUMENT)
case("claims: the same where nothing is read", compact(EC, None, "{{ template }}"), no_claims=True, payload="{{ template }}")
case("claims: expired where nothing is read", compact(EC, None, {"exp": 1}), no_claims=True, payload='{"exp":1}')
case("claims: a payload that is no JSON", compact(EC, None, "text"), payload="text")
case("claims: a payload that is a list", compact(EC, None, "[1]"), payload="[1]")


# The JSON forms.
def flattened(key=EC, header=None, **more):
    h, p, s = parts(key, header)
    return {"payload": p, "protected": h, "signature": s, **more}


def general(*entries, payload=p, **more):
    return dumps({"payload": payload, "signatures": list(entries), **more})


def entry(key, header=None, **more):
    h, _, s = parts(key, header)
    return {"protected": h, "signature": s, **more}


BOTH = {"ec": EC.pem(), "rsa": RSA.pem()}
case("good flattened", dumps(flattened()))
case("good flattened, with white space", " \n" + json.dumps(flattened(), indent=2) + "\n")
case("good flattened EdDSA", dumps(flattened(ED)), ED)
case("good general", general(entry(EC)))
case("good general by two", general(entry(EC), entry(RSA)), BOTH, threshold=2)
case("good general with a stranger's signature", general(entry(EC2), entry(EC)))
case("good general with one of an unknown algorithm", general(entry(EC2, {"alg": "XY999"}), entry(EC)))
case("good kid outside", dumps(flattened(header={"kid": "a"})) if False else dumps({**flattened(), "header": {"kid": "a"}}),
     {"ec": EC.jwk(kid="a")})
case("one key twice", general(entry(EC), entry(EC)), BOTH, "threshold-not-met", threshold=2)
case("one of two is a stranger's", general(entry(EC), entry(EC2)), BOTH, "threshold-not-met", threshold=2)
case("strangers alone", general(entry(EC2), entry(EC2)), EC, MISMATCH)
case("algorithms of others alone", general(entry(RSA), entry(ED)), EC, SIGNATURE, 'alg "RS256"')
good = dumps(flattened())
for what, text, found in (
    ("payload twice", good[:-1] + f',"payload":"{other}"}}', "stands twice"),
    ("payload twice, once escaped", good[:-1] + f',"p\\u0061yload":"{other}"}}', "stands twice"),
    ("signature twice", good[:-1] + ',"signature":"AA"}', "stands twice"),
    ("signatures twice", general(entry(EC))[:-1] + ',"signatures":[]}', "stands twice"),
    ("both forms in one", dumps({**flattened(), "signatures": [entry(EC)]}), "beside signatures"),
    ("another member", dumps({**flattened(), "x": 1}), 'the member "x"'),
    ("another member in a signature", general({**entry(EC), "x": 1}), 'the member "x"'),
    ("alg outside", dumps({**flattened(), "header": {"alg": "ES256"}}), "outside the protected one"),
    ("crit outside", dumps({**flattened(), "header": {"crit": ["b64"]}}), "outside the protected one"),
    ("x5c outside", dumps({**flattened(), "header": {"x5c": []}}), "outside the protected one"),
    ("kid outside and inside", dumps({**flattened(header={"alg": "ES256", "kid": "a"}), "header": {"kid": "a"}}),
     "outside the protected one"),
    ("a header that is a text", dumps({**flattened(), "header": "a"}), "header that is no object"),
    ("no protected header", dumps({name: value for name, value in flattened().items() if name != "protected"}),
     "without protected"),
    ("no signature", dumps({name: value for name, value in flattened().items() if name != "signature"}),
     "without signature"),
    ("no payload", dumps({name: value for name, value in flattened().items() if name != "payload"}), "without payload"),
    ("an empty payload", dumps({**flattened(), "payload": ""}), "without payload"),
    ("a payload that is an object", dumps({**flattened(), "payload": CLAIMS}), "payload that is no text"),
    ("a payload with padding", dumps({**flattened(), "payload": p + "="}), "not base64url"),
    ("no signatures", general(), "0 signatures"), ("seventeen signatures", general(*[entry(EC)] * 17), "17 signatures"),
    ("a signature that is a text", general("AA"), "no object"),
    ("signatures that are an object", dumps({"payload": p, "signatures": entry(EC)}), "no list"),
    ("a list of them", f"[{good}]", None), ("two of them", good + good, "trailing"), ("cut short", good[:-1], None),
    ("b64 that differs", general(entry(EC), entry(RSA, {"alg": "RS256", "crit": ["b64"], "b64": False})), "b64"),
):
    case(f"JSON: {what}", text, EC, DOCUMENT, found) if not text.startswith("[") else case(
        f"JSON: {what}", text, EC, DOCUMENT)
case("JSON: a signature that is empty", dumps({**flattened(), "signature": ""}), EC, SIGNATURE)
case("JSON: a signature with padding", dumps({**flattened(), "signature": s + "=="}), EC, SIGNATURE)
case("JSON: an unknown critical extension", dumps(flattened(header={"alg": "ES256", "crit": ["x"], "x": 1})), EC, SIGNATURE,
     '"x" in crit')
case("JSON: another payload", dumps({**flattened(), "payload": other}), EC, MISMATCH)
plain = "a payload. With dots, \u00e9 and\nlines"
head = b64(dumps(PLAIN))
case("JSON: good b64 false", dumps({"payload": plain, "protected": head,
     "signature": b64(EC.sign("ES256", f"{head}.{plain}".encode()))}), payload=plain)

# Beside the document.
TEXT = "the document itself\n"


def detached(key=EC, header=None, text=TEXT):
    header = b64(dumps({"alg": ALG[key.name]} if header is None else header))
    plain = not (json.loads(base64.urlsafe_b64decode(header + "==")).get("b64", True))
    return header, b64(key.sign(ALG[key.name], f"{header}.{text if plain else b64(text)}".encode()))


for key in (EC, RSA, ED):
    h2, s2 = detached(key)
    case(f"detached: good {ALG[key.name]}", TEXT, key, jws=f"{h2}..{s2}", payload=TEXT)
    plain = {**PLAIN, "alg": ALG[key.name]}
    h2, s2 = detached(key, plain)
    case(f"detached: good {ALG[key.name]}, b64 false", TEXT, key, jws=f"{h2}..{s2}", payload=TEXT)
    case(f"detached: another document, {ALG[key.name]}", TEXT + "\n", key, MISMATCH, jws=f"{h2}..{s2}")
h2, s2 = detached()
case("detached: good, with a line feed", TEXT, jws=f"{h2}..{s2}\n", payload=TEXT)
case("detached: good flattened", TEXT, jws=dumps({"protected": h2, "signature": s2}), payload=TEXT)
h4, s4 = detached(RSA)
two = dumps({"signatures": [{"protected": h2, "signature": s2}, {"protected": h4, "signature": s4}]})
case("detached: good general by two", TEXT, BOTH, jws=two, threshold=2, payload=TEXT)
case("detached: the base64url of the document", b64(TEXT), EC, MISMATCH, jws=f"{h2}..{s2}")
for what, jws, reason in (
    ("a payload in it", f"{h2}.{b64(TEXT)}.{s2}", SIGNATURE), ("a payload in it, JSON",
     dumps({"payload": b64(TEXT), "protected": h2, "signature": s2}), SIGNATURE),
    ("two parts", f"{h2}.{s2}", SIGNATURE), ("four parts", f"{h2}..{s2}.", SIGNATURE), ("nothing", "", SIGNATURE),
    ("a page", "<html>", SIGNATURE), ("no signature", f"{h2}..", SIGNATURE), ("alg none",
     b64(dumps({"alg": "none"})) + "..AA", SIGNATURE), ("a space in front", f" {h2}..{s2}", SIGNATURE),
    ("a stranger's", "{}..{}".format(*detached(EC2)), MISMATCH),
    ("b64 false without crit", "{}..{}".format(*detached(EC, {"alg": "ES256", "b64": False})), SIGNATURE),
):
    case(f"detached: {what}", TEXT, EC, reason, jws=jws)


# The signer's certificate in x5c, and a path to a configured root.
def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certify(key, subject, by, issuer, ca, years=(2020, 2120)):
    start, end = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in years)
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key.key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
    return builder.sign(by.key, hashes.SHA256())


def x5c(*certificates):
    return [base64.b64encode(c.public_bytes(serialization.Encoding.DER)).decode() for c in certificates]


ROOT, BETWEEN, FAKE = (Key(ec.generate_private_key(ec.SECP256R1()), "root") for _ in range(3))
root = certify(ROOT, "Root", ROOT, "Root", True)
between = certify(BETWEEN, "Between", ROOT, "Root", True)
leaf = certify(RSA, "Signer", BETWEEN, "Between", False)
roots = {"root": root.public_bytes(serialization.Encoding.PEM).decode()}
good = {"alg": "RS256", "x5c": x5c(leaf, between)}
case("x5c: good", compact(RSA, good), roots, paths=True)
case("x5c: good PS256", compact(RSA, {**good, "alg": "PS256"}, alg="PS256"), roots, paths=True)
case("x5c: good with the root", compact(RSA, {**good, "x5c": x5c(leaf, between, root)}), roots, paths=True)
case("x5c: not asked for", compact(RSA, good), roots, SIGNATURE, 'alg "RS256"')
case("x5c: the attacker's, where it is not asked for", compact(EC2, {"alg": "ES256", "x5c": x5c(
    certify(EC2, "Signer", EC2, "Signer", False))}), EC, MISMATCH)
case("x5c: none", compact(RSA), roots, SIGNATURE, "none", paths=True)
case("x5c: none, by the root itself", compact(ROOT, {"alg": "ES256"}, alg="ES256"), roots, SIGNATURE, "none", paths=True)
case("x5c: empty", compact(RSA, {"alg": "RS256", "x5c": []}), roots, SIGNATURE, paths=True)
case("x5c: a text", compact(RSA, {"alg": "RS256", "x5c": x5c(leaf)[0]}), roots, SIGNATURE, paths=True)
case("x5c: in base64url", compact(RSA, {"alg": "RS256", "x5c": [b64(leaf.public_bytes(serialization.Encoding.DER))]}), roots,
     SIGNATURE, paths=True)
case("x5c: no certificate", compact(RSA, {"alg": "RS256", "x5c": ["AAAA"]}), roots, "certificate-unsuitable", paths=True)
case("x5c: the issuer is missing", compact(RSA, {"alg": "RS256", "x5c": x5c(leaf)}), roots, "certificate-untrusted", paths=True)
fake = certify(FAKE, "Root", FAKE, "Root", True)
case("x5c: a root of the same name", compact(RSA, {"alg": "RS256", "x5c": x5c(certify(RSA, "Signer", FAKE, "Root", False),
     fake)}), roots, "certificate-untrusted", paths=True)
case("x5c: signed by another key", compact(Key(rsa.generate_private_key(65537, 2048), "rsa"), good), roots, MISMATCH, paths=True)
case("x5c: signed by the issuer", compact(BETWEEN, {"alg": "ES256", "x5c": x5c(leaf, between)}, alg="ES256"), roots, SIGNATURE,
     'alg "ES256"', paths=True)
case("x5c: alg none", f"{b64(dumps({'alg': 'none', 'x5c': x5c(leaf, between)}))}.{p}.AA", roots, SIGNATURE, 'alg "none"',
     paths=True)
case("x5c: expired", compact(RSA, {"alg": "RS256", "x5c": x5c(certify(RSA, "Signer", BETWEEN, "Between", False, (2020, 2025)),
     between)}), roots, "certificate-expired", "CN=Signer", paths=True)
own = certify(EC, "Alone", EC, "Alone", False)
case("x5c: configured itself", compact(EC, {"alg": "ES256", "x5c": x5c(own)}),
     {"own": own.public_bytes(serialization.Encoding.PEM).decode()}, paths=True)
h5, p5, s5 = parts(RSA, good)
case("x5c: good flattened", dumps({"payload": p5, "protected": h5, "signature": s5}), roots, paths=True)
case("x5c: one of two paths leads nowhere", general(
    dict(zip(("protected", "signature"), parts(RSA, {"alg": "RS256", "x5c": x5c(leaf)})[::2])),
    dict(zip(("protected", "signature"), (h5, s5)))), roots, paths=True)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "index.json"), "w") as file:
    json.dump(CASES, file, indent=1, ensure_ascii=False)
print(len(CASES), "cases,", sum("reason" in case for case in CASES), "refused")
