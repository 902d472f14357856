#!/usr/bin/env python3
"""Makes the trust anchors of `tests/trust_anchor.rs`: compact JWS as the eIDAS hub of GOV.UK published one. The payload is
a JWK set, each `kid` the URL of a country's metadata and each `x5c` the certificates that it is signed with."""

import base64, datetime, json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


def at(text):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certify(key, subject, by, issuer, ca, until="2120-01-01"):
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                           "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    usage.update(dict(key_cert_sign=True) if ca else dict(digital_signature=True))
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(at("2020-01-01")).not_valid_after(at(until))
    builder = builder.add_extension(x509.BasicConstraints(ca, None), True).add_extension(x509.KeyUsage(**usage), True)
    return builder.sign(by, hashes.SHA256())


def x5c(*certificates):
    return [base64.b64encode(c.public_bytes(serialization.Encoding.DER)).decode() for c in certificates]


def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def jwk(key, kid, certificate):
    n = key.public_key().public_numbers().n
    return {"kty": "RSA", "n": b64(n.to_bytes((n.bit_length() + 7) // 8, "big")), "e": "AQAB", "use": "sig",
            "key_ops": ["verify"], "alg": "RS256", "kid": kid, "x5c": x5c(certificate)}


def anchor(file, issued, by, chain, countries):
    keys = []
    for country in countries:
        key = rsa_key()
        certificate = certify(key, f"{country} metadata", key, f"{country} metadata", False)
        keys.append(jwk(key, f"https://{country.lower()}.example/metadata", certificate))
    payload = {"iss": "https://hub.example", "iat": int(at(issued).timestamp()), "keys": keys}
    text = b64(json.dumps({"alg": "RS256", "typ": "trust-anchor+jwt", "x5c": x5c(*chain)})) + "." + b64(json.dumps(payload))
    signature = by.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    with open(file, "w") as out:
        out.write(text + "." + b64(signature))


root, issuer, signer, other = (rsa_key() for _ in range(4))
root_certificate = certify(root, "Root", root, "Root", True)
issuer_certificate = certify(issuer, "Issuer", root, "Root", True)
short = certify(signer, "Anchor signing", issuer, "Issuer", False, "2027-06-01")
with open("root.pem", "wb") as out:
    out.write(root_certificate.public_bytes(serialization.Encoding.PEM))
anchor("anchor.jwt", "2026-11-01", signer, (short, issuer_certificate), ("AA", "BB"))
anchor("newer.jwt", "2026-11-20", signer, (short, issuer_certificate), ("AA", "BB", "CC"))
stranger = certify(other, "Root", other, "Root", True)
anchor("stranger.jwt", "2026-11-21", signer, (certify(signer, "Anchor signing", other, "Root", False), stranger), ("EE",))
