#!/usr/bin/env python3
"""Makes index.json: certificate paths, good ones and bad twins. Needs `cryptography` and, for what it will not make any
more (SHA-1, version 1), openssl. Run it only to add a case: keys and signatures are new every time."""

import base64, datetime, json, os, subprocess, tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as EKU, NameOID, ObjectIdentifier as OID

DOCUMENTS = OID("1.3.6.1.5.5.7.3.36")
MS_DOCUMENTS = OID("1.3.6.1.4.1.311.10.3.12")
ALWAYS = (2020, 2120)


def at(year):
    return datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc)


def p256():
    return ec.generate_private_key(ec.SECP256R1())


class Party:
    def __init__(self, name, key=None):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = key or p256()
        self.cert = None

    def pem(self):
        return self.cert.public_bytes(serialization.Encoding.PEM).decode()

    def der(self):
        return self.cert.public_bytes(serialization.Encoding.DER)


def usage(*names):
    all_names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: name in names for name in all_names})


def certify(party, by, years=ALWAYS, extensions=(), hash=hashes.SHA256(), pss=False):
    builder = x509.CertificateBuilder().subject_name(party.name).issuer_name(by.name).public_key(party.key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(at(years[0])).not_valid_after(at(years[1]))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    more = {"rsa_padding": padding.PSS(padding.MGF1(hash), hash.digest_size)} if pss else {}
    if isinstance(by.key, ed25519.Ed25519PrivateKey):
        hash = None
    party.cert = builder.sign(by.key, hash, **more)
    return party


def ca(length=None):
    return [(x509.BasicConstraints(True, length), True), (usage("key_cert_sign", "crl_sign"), True)]


def leaf(*eku, ku=("digital_signature",), critical=False, more=()):
    extensions = [(x509.BasicConstraints(False, None), True)]
    if ku is not None:
        extensions.append((usage(*ku), True))
    if eku:
        extensions.append((x509.ExtendedKeyUsage(eku), critical))
    return extensions + list(more)


def root(name="Root", **more):
    party = Party(name, more.pop("key", None))
    return certify(party, party, more.pop("years", ALWAYS), more.pop("extensions", ca()), **more)


def signer(by, name="Signer", key=None, **more):
    return certify(Party(name, key), by, more.pop("years", ALWAYS), more.pop("extensions", leaf()), **more)


def issuer(by, name="Issuer", key=None, **more):
    return certify(Party(name, key), by, more.pop("years", ALWAYS), more.pop("extensions", ca()), **more)


def crl(by, revoked=(), years=(2024, 2100), named=None):
    builder = x509.CertificateRevocationListBuilder().issuer_name((named or by).name)
    builder = builder.last_update(at(years[0])).next_update(at(years[1]))
    builder = builder.add_extension(x509.CRLNumber(1), False)
    for party in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(party.cert.serial_number).revocation_date(at(2024))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(by.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def openssl(*arguments, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(content)
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
        with open(os.path.join(folder, "out.pem"), "rb") as file:
            return x509.load_pem_x509_certificate(file.read())


def private(party):
    return party.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption()).decode()


def request(party):
    request = x509.CertificateSigningRequestBuilder().subject_name(party.name).sign(party.key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


CASES = []


def case(name, chain, roots, reason=None, found=None, **more):
    ders = [base64.b64encode(c if isinstance(c, bytes) else c.der()).decode() for c in chain]
    keys = {f"root{number}": party.pem() for number, party in enumerate(roots, 1)}
    CASES.append({"name": name, "chain": ders, "keys": keys, **({"reason": reason} if reason else {}),
                  **({"found": found} if found else {}), **more})


R = root()
UNSUITABLE, UNTRUSTED = "certificate-unsuitable", "certificate-untrusted"

# What the certificate is for.
case("no extended key usage", [signer(R)], [R])
case("no key usage at all", [signer(R, extensions=leaf(ku=None))], [R])
case("for signing documents", [signer(R, extensions=leaf(DOCUMENTS))], [R])
case("for signing documents, critical", [signer(R, extensions=leaf(DOCUMENTS, critical=True))], [R])
case("for signing documents, Microsoft's", [signer(R, extensions=leaf(MS_DOCUMENTS))], [R])
case("for any purpose", [signer(R, extensions=leaf(EKU.ANY_EXTENDED_KEY_USAGE))], [R])
case("for documents beside others", [signer(R, extensions=leaf(EKU.EMAIL_PROTECTION, DOCUMENTS))], [R])
code = signer(R, extensions=leaf(EKU.CODE_SIGNING))
case("for signing code", [code], [R], UNSUITABLE, "for 1.3.6.1.5.5.7.3.3")
case("for signing code, which is configured", [code], [R], extended_key_usage=["1.3.6.1.5.5.7.3.3"])
case("for TLS servers", [signer(R, extensions=leaf(EKU.SERVER_AUTH))], [R], UNSUITABLE, "for 1.3.6.1.5.5.7.3.1")
case("key usage without digitalSignature", [signer(R, extensions=leaf(ku=("key_encipherment",)))], [R], UNSUITABLE,
     "which has not")
case("key usage nonRepudiation alone", [signer(R, extensions=leaf(ku=("content_commitment",)))], [R], UNSUITABLE,
     "which has not")
unknown = (x509.UnrecognizedExtension(OID("1.2.3.4"), b"\5\0"), True)
case("unknown critical extension", [signer(R, extensions=leaf(more=[unknown]))], [R], UNSUITABLE,
     "UnsupportedCriticalExtension")
case("an authority as signer", [issuer(R, extensions=[(x509.BasicConstraints(True, None), True)])], [R], UNSUITABLE,
     "it is an authority")

# When.
case("leaf expired", [signer(R, years=(2020, 2022))], [R], "certificate-expired", "valid until 2022")
case("leaf not yet valid", [signer(R, years=(2060, 2070))], [R], "certificate-not-yet-valid", "valid from 2060")
old = root(years=(2010, 2022))
case("root expired, leaf valid", [signer(old)], [old], "certificate-expired", "valid until 2022")
I = issuer(R, years=(2020, 2022))
case("issuer expired", [signer(I), I], [R], "certificate-expired", "valid until 2022")
case("never valid together", [signer(old, years=(2030, 2040))], [old], "certificate-expired", "another began at 2030")

# The path.
I = issuer(R)
L = signer(I)
case("through an issuer", [L, I], [R])
case("with the root itself", [L, I, R], [R])
renewed = Party("Root", R.key)
certify(renewed, renewed, ALWAYS, ca())
case("with another certificate of the root's key", [L, I, renewed], [R])
case("the issuer is missing", [L], [R], UNTRUSTED)
case("nothing at all", [], [R], UNTRUSTED, "no certificate")
case("in another order", [L, R, I], [R], UNTRUSTED)
case("with one that is not on the path", [L, I, issuer(R, "Bystander")], [R], UNTRUSTED)
case("no authority as issuer", [signer(code, "Signer"), code], [R], UNSUITABLE, "which has not")
plain = issuer(R, extensions=[(x509.BasicConstraints(False, None), True)])
case("CA:FALSE as issuer", [signer(plain), plain], [R], UNSUITABLE, "is no authority")
case("issuer may not certify", [signer(weak := issuer(R, extensions=[(x509.BasicConstraints(True, None), True),
     (usage("digital_signature"), True)])), weak], [R], UNSUITABLE, "the certificate of CN=Issuer")
case("another root of the same name", [signer(root())], [R], UNTRUSTED)
case("the second of two roots of the same name", [signer(R)], [root(), R])
case("another root", [signer(root("Stranger"))], [R], UNTRUSTED, "CN=Signer")
case("its own root in the chain", [signer(s := root("Stranger")), s], [R], UNTRUSTED)
forged = signer(R)
forged_der = bytearray(forged.der())
forged_der[-1] ^= 1
case("signature on the certificate changed", [bytes(forged_der)], [R], UNTRUSTED, "CN=Signer")
chain = [R]
for number in range(5):
    chain.insert(0, issuer(chain[0], f"Issuer {number}"))
case("five on the path", [signer(chain[1]), *chain[1:-1]], [R])
case("six on the path", [signer(chain[0]), *chain[:-1]], [R], UNTRUSTED, "6 certificates")
case("seven", [signer(chain[0]), *chain], [R], UNTRUSTED, "7 certificates")
short = issuer(R, extensions=ca(0))
below = issuer(short, "Below")
case("longer than an issuer allows", [signer(below), below, short], [R], UNSUITABLE, "more authorities follow it than it allows")
shallow = root(extensions=ca(0))
below = issuer(shallow, "Below")
case("as long as the root allows", [signer(shallow)], [shallow])
case("longer than the root allows", [signer(below), below], [shallow], UNSUITABLE, "which allows 0")
narrow = issuer(R, extensions=ca() + [(x509.NameConstraints([x509.DNSName("good.example")], None), True)])
named = leaf(more=[(x509.SubjectAlternativeName([x509.DNSName("bad.example")]), False)])
case("a name that the issuer may not certify", [signer(narrow, extensions=named), narrow], [R], UNSUITABLE,
     "its name is one that its issuer may not certify")
case("damaged", [b"\x30\x03\x02\x01\x01"], [R], UNSUITABLE, "certificate 1, which is damaged")
case("too large", [b"\x30" * 17000], [R], UNSUITABLE, "more than 16384 bytes")

# Configured certificates that sign themselves.
alone = root("Alone", extensions=leaf())
case("configured itself, CA:FALSE", [alone], [alone])
authority = root("Alone", extensions=[(x509.BasicConstraints(True, None), True)])
case("configured itself, CA:TRUE", [authority], [authority])
case("configured itself, with its issuer behind it", [code, R], [code], UNSUITABLE, "for 1.3.6.1.5.5.7.3.3")
pinned = signer(R, years=(2020, 2022))
case("configured itself, and expired", [pinned], [pinned], "certificate-expired", "valid until 2022")
case("configured itself, for certifying alone", [R], [R], UNSUITABLE, "which has not")
case("certified by a configured one that is no authority", [signer(alone)], [alone], UNSUITABLE, "which has not")
case("a twin of a configured one", [root("Alone", extensions=leaf())], [alone], UNSUITABLE, "which has not")

# How it is signed.
big = root(key=rsa.generate_private_key(65537, 2048))
case("RSA", [signer(big)], [big])
case("RSA with SHA-512", [signer(big, hash=hashes.SHA512())], [big])
case("RSA-PSS", [signer(big, pss=True)], [big])
case("RSA-PSS with SHA-384", [signer(big, hash=hashes.SHA384(), pss=True)], [big])
p384 = root(key=ec.generate_private_key(ec.SECP384R1()), hash=hashes.SHA384())
case("P-384", [signer(p384, hash=hashes.SHA384())], [p384])
edwards = root(key=ed25519.Ed25519PrivateKey.generate())
case("Ed25519", [signer(edwards, key=ed25519.Ed25519PrivateKey.generate())], [edwards])
case("RSA of 1024 bits", [signer(R, key=rsa.generate_private_key(65537, 1024))], [R], UNSUITABLE, "less than 2048 bits")
small = Party("Small", rsa.generate_private_key(65537, 1024))
certify(small, R, ALWAYS, ca())
case("an issuer with RSA of 1024 bits", [signer(small), small], [R], UNSUITABLE, "less than 2048 bits")
case("a curve that is not supported", [signer(R, key=ec.generate_private_key(ec.SECP256K1()))], [R], UNSUITABLE,
     "curve 1.3.132.0.10")
sha1 = Party("Signer")
sha1.cert = openssl("x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-sha1", "-days", "36500",
                    "-set_serial", "7", "-extfile", "ext", "-out", "out.pem",
                    **{"req.pem": request(sha1), "ca.pem": big.pem(), "ca.key": private(big),
                       "ext": "keyUsage=critical,digitalSignature\n"})
case("SHA-1", [sha1], [big], UNSUITABLE, "signed otherwise")
first = Party("First")
first.cert = openssl("req", "-x509", "-key", "ca.key", "-subj", "/CN=First", "-days", "36500", "-set_serial", "1",
                     "-config", "conf", "-out", "out.pem",
                     **{"ca.key": private(first), "conf": "[req]\ndistinguished_name=dn\n[dn]\n"})
assert first.cert.version == x509.Version.v1
case("a root of version 1", [signer(first)], [first])

# Revocation.
I = issuer(R)
L = signer(I)
good, above = crl(I), crl(R)
case("not revoked", [L, I], [R], crls=[good, above])
case("revoked", [L, I], [R], "certificate-revoked", crls=[crl(I, [L]), above])
case("its issuer revoked", [L, I], [R], "certificate-revoked", crls=[good, crl(R, [I])])
case("no list by the issuer", [L, I], [R], "revocation-unknown", crls=[above])
case("no list about the issuer", [L, I], [R], "revocation-unknown", crls=[good])
case("a list by somebody of the same name", [L, I], [R], "revocation-unknown", crls=[crl(issuer(R)), above])
case("a list that is too old", [L, I], [R], "revocation-unknown", "current until 2025",
     crls=[crl(I, years=(2024, 2025)), above])
mute = issuer(R, extensions=[(x509.BasicConstraints(True, None), True), (usage("key_cert_sign"), True)])
case("a list by one that may not sign lists", [signer(mute), mute], [R], "revocation-unknown", crls=[crl(mute), above])

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "index.json"), "w") as file:
    json.dump(CASES, file, indent=1)
print(len(CASES), "cases")
