#!/usr/bin/env python3
"""Makes index.json: what common tools write. Needs the program `jose` (José 11), openssl, and the Python package
jwcrypto. Run it only to add a case: keys and signatures are new every time."""

import json, os, subprocess, tempfile

from jwcrypto import jwk, jws

CASES = []
TEXT = "The document itself, with dots.\nAnd lines.\n"


def case(name, key, document, **more):
    CASES.append({"name": name, "keys": {"key": key}, "document": document, **more})


def jose(*arguments, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(content)
        return subprocess.run(["jose", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


for alg in ("ES256", "ES384", "RS256", "PS256", "PS512"):
    private = jose("jwk", "gen", "-i", json.dumps({"alg": alg}))
    public = jose("jwk", "pub", "-i", "key.jwk", **{"key.jwk": private})
    public = json.dumps({name: value for name, value in json.loads(public).items()})
    for form, more in (("compact", ["-c"]), ("flattened", [])):
        made = jose("jws", "sig", "-I", "text", "-k", "key.jwk", "-s", json.dumps({"protected": {"alg": alg}}), *more,
                    **{"text": TEXT, "key.jwk": private})
        case(f"jose jws sig, {alg}, {form}", public, made.rstrip("\n") if form == "compact" else made, payload=TEXT)
    made = jose("jws", "sig", "-I", "text", "-k", "key.jwk", "-O", os.devnull, "-c", "-o", "-",
                **{"text": TEXT, "key.jwk": private})
    header, payload, signature = made.strip().split(".") if made.count(".") == 2 else (None, "", None)
    if header:
        case(f"jose jws sig, {alg}, detached", public, TEXT, jws=f"{header}..{signature}\n", payload=TEXT)

for alg, key in (("ES256", jwk.JWK.generate(kty="EC", crv="P-256", kid="one")), ("EdDSA", jwk.JWK.generate(kty="OKP", crv="Ed25519")),
                 ("PS384", jwk.JWK.generate(kty="RSA", size=2048))):
    token = jws.JWS(TEXT)
    token.add_signature(key, None, json.dumps({"alg": alg, **({"kid": "one"} if key.get("kid") else {})}))
    case(f"jwcrypto, {alg}, compact", key.export_public(), token.serialize(compact=True), payload=TEXT)
    case(f"jwcrypto, {alg}, JSON", key.export_public(), token.serialize(), payload=TEXT)
    token = jws.JWS(TEXT)
    token.add_signature(key, None, json.dumps({"alg": alg, "b64": False, "crit": ["b64"]}))
    value = json.loads(token.serialize())
    value.pop("payload", None)
    case(f"jwcrypto, {alg}, detached, b64 false", key.export_public(), TEXT, jws=json.dumps(value), payload=TEXT)

# openssl alone, as docs/formats/jws.md shows.
with tempfile.TemporaryDirectory() as folder:
    script = r"""
    b64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem
    openssl pkey -in key.pem -pubout -out public.pem
    printf '%s.%s' "$(printf '{"alg":"RS256"}' | b64url)" "$(b64url < text)" > input
    printf '%s.%s' "$(cat input)" "$(openssl dgst -sha256 -sign key.pem input | b64url)" > text.jws
    """
    with open(os.path.join(folder, "text"), "w") as file:
        file.write(TEXT)
    subprocess.run(["sh", "-ec", script], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    read = lambda name: open(os.path.join(folder, name)).read()
    case("openssl, RS256", read("public.pem"), read("text.jws"), payload=TEXT)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "index.json"), "w") as file:
    json.dump(CASES, file, indent=1)
print(len(CASES), "cases:", *(case["name"] for case in CASES), sep="\n  ")
