#!/usr/bin/env python3
"""Makes the signed documents of this folder with the tools that people sign with.

Needs xmlsec1, samlsign (Debian: xmlsec1, opensaml-tools), a JDK, and the Python packages signxml, lxml and cryptography.
Signatures with ECDSA and RSA-PSS are random, so a new run makes other bytes that say the same. Keys are made only where
they are missing.
"""

import datetime
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KEYS = HERE / "keys"

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENVELOPED = DS + "enveloped-signature"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
C14N10 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384 = MORE + "sha384"
SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
TSL = "http://uri.etsi.org/02231/v2#"

# ---------------------------------------------------------------------------------------------------------------- keys


def make_keys():
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import NameOID

    KEYS.mkdir(exist_ok=True)
    makers = {
        "ec-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "stranger": lambda: ec.generate_private_key(ec.SECP256R1()),
    }

    def write(path, content):
        if not path.exists():
            path.write_bytes(content())

    def certificate(key, name, years):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
        builder = builder.public_key(key.public_key()).serial_number(1)
        builder = builder.not_valid_before(datetime.datetime(years[0], 1, 1))
        builder = builder.not_valid_after(datetime.datetime(years[1], 1, 1))
        algorithm = None if name == "ed25519" else hashes.SHA256()
        return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)

    for name, maker in makers.items():
        path = KEYS / f"{name}.key"
        write(path, lambda: maker().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        write(KEYS / f"{name}.crt", lambda: certificate(key, name, (2020, 2049)))
    rsa_key = serialization.load_pem_private_key((KEYS / "rsa.key").read_bytes(), None)
    write(KEYS / "rsa-expired.crt", lambda: certificate(rsa_key, "rsa-expired", (2020, 2021)))


# ----------------------------------------------------------------------------------------------------------- templates


def transform(algorithm, prefixes=None, name="Transform"):
    if prefixes is None:
        return f'<ds:{name} Algorithm="{algorithm}"/>'
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{prefixes}"/>'
    return f'<ds:{name} Algorithm="{algorithm}">{listed}</ds:{name}>'


def reference(uri, transforms=None, digest=SHA256, attributes=""):
    if transforms is None:
        transforms = transform(ENVELOPED) + transform(EXCLUSIVE)
    transforms = f"<ds:Transforms>{transforms}</ds:Transforms>" if transforms else ""
    return (f'<ds:Reference {attributes} URI="{uri}">{transforms}<ds:DigestMethod Algorithm="{digest}"/>'
            "<ds:DigestValue></ds:DigestValue></ds:Reference>").replace("<ds:Reference  ", "<ds:Reference ")


CERTIFICATE = "<ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo>"


def signature(method, references, canon=None, key_info=CERTIFICATE, more="", attributes=""):
    canon = canon or transform(EXCLUSIVE, name="CanonicalizationMethod")
    return (f'<ds:Signature xmlns:ds="{DS}"{attributes}>\n<ds:SignedInfo>\n{canon}\n<ds:SignatureMethod Algorithm="{method}"/>\n'
            f"{references}\n</ds:SignedInfo>\n<ds:SignatureValue></ds:SignatureValue>\n{key_info}{more}</ds:Signature>")


ENTITY = """<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:mdrpi="urn:oasis:names:tc:SAML:metadata:rpi" xmlns:unused="urn:example:unused" ID="_e1" entityID="https://idp.example/saml" validUntil="2035-01-01T00:00:00Z" cacheDuration="PT1H">{signature}
  <md:Extensions>
    <mdrpi:PublicationInfo creationInstant="2026-11-01T06:00:00Z" publisher="https://idp.example/"/>
  </md:Extensions>
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example/sso"/>
  </md:IDPSSODescriptor>
  <md:Organization>
    <md:OrganizationName xml:lang="de">Größe &amp; Söhne</md:OrganizationName>
    <md:OrganizationDisplayName xml:lang="de">A &lt; B</md:OrganizationDisplayName>
    <md:OrganizationURL xml:lang="en">https://idp.example/</md:OrganizationURL>
  </md:Organization>
</md:EntityDescriptor>
"""

ENTITIES = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="all" Name="urn:example:federation" validUntil="2035-01-01T00:00:00.5+01:00" xsi:schemaLocation="urn:oasis:names:tc:SAML:2.0:metadata
    saml-schema-metadata-2.0.xsd	urn:other&#9;other.xsd&#10;">
  {signature}
  <EntityDescriptor entityID="https://a.example/"><AffiliationDescriptor affiliationOwnerID="urn:a"><AffiliateMember>urn:b</AffiliateMember></AffiliationDescriptor></EntityDescriptor>
  <EntitiesDescriptor Name="inner">
    <EntityDescriptor entityID="https://b.example/" xmlns:x="urn:example:x" x:note="&quot;&lt;&amp;&gt;'" note='"'><Extensions><x:more xmlns="">]]&gt;<![CDATA[<&]]></x:more></Extensions><AffiliationDescriptor affiliationOwnerID="urn:a"><AffiliateMember>urn:b</AffiliateMember></AffiliationDescriptor></EntityDescriptor>
  </EntitiesDescriptor>
  <EntityDescriptor entityID="https://c.example/"><AffiliationDescriptor affiliationOwnerID="urn:a"><AffiliateMember>carriage&#13;return</AffiliateMember></AffiliationDescriptor></EntityDescriptor>
</EntitiesDescriptor>
"""

ANYTHING = """<feed xmlns="urn:example:feed" xmlns:a="urn:example:a" xmlns:unused="urn:example:unused" xml:lang="en" xml:space="preserve"{id}>{first}
<item a:n="1" n="2">one</item>{middle}<item xmlns="">two</item>
{last}</feed>"""

LIST = """<?xml version="1.0" encoding="UTF-8" standalone="no"?><TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#" xmlns:ns2="http://www.w3.org/2000/09/xmldsig#" xmlns:ns3="http://uri.etsi.org/02231/v2/additionaltypes#" xmlns:ns4="http://uri.etsi.org/01903/v1.3.2#" Id="list" TSLTag="http://uri.etsi.org/19612/TSLTag">
<SchemeInformation>
<TSLVersionIdentifier>5</TSLVersionIdentifier>
<TSLSequenceNumber>250</TSLSequenceNumber>
<TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUlistofthelists</TSLType>
<SchemeOperatorName><Name xml:lang="en">Example Commission</Name></SchemeOperatorName>
<SchemeTerritory>EU</SchemeTerritory>
<PointersToOtherTSL>
<OtherTSLPointer><TSLLocation>https://a.example/tsl.xml</TSLLocation><AdditionalInformation><OtherInformation><TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/EUgeneric</TSLType></OtherInformation><OtherInformation><SchemeTerritory>AA</SchemeTerritory></OtherInformation><OtherInformation><ns3:MimeType>application/vnd.etsi.tsl+xml</ns3:MimeType></OtherInformation></AdditionalInformation></OtherTSLPointer>
<OtherTSLPointer><TSLLocation>https://b.example/tsl.xml</TSLLocation></OtherTSLPointer>
</PointersToOtherTSL>
<ListIssueDateTime>2026-10-04T11:00:00Z</ListIssueDateTime>
<NextUpdate>
<dateTime>2035-04-04T00:00:00Z</dateTime>
</NextUpdate>
</SchemeInformation>
{signature}</TrustServiceStatusList>"""


# --------------------------------------------------------------------------------------------------------------- tools

IDS = ["ID", "Id", "id"]


def xmlsec1(template, key, id_attributes=("ID:EntityDescriptor", "ID:EntitiesDescriptor"), keys=KEYS):
    """Fills in the first signature template of a document."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "in.xml"), pathlib.Path(folder, "out.xml")
        source.write_text(template, newline="")
        command = ["xmlsec1", "--sign", "--privkey-pem", f"{keys / key}.key,{keys / key}.crt", "--output", str(target)]
        for attribute in id_attributes:
            name, element = attribute.split(":", 1)
            command += [f"--id-attr:{name}", element if ":" in element else f"{MD}:{element}"]
        answer = subprocess.run(command + [str(source)], capture_output=True, text=True)
        if answer.returncode != 0:
            raise RuntimeError(f"xmlsec1: {answer.stderr}\n{template}")
        return target.read_bytes()


def samlsign(document, key, method, digest):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "in.xml")
        source.write_text(document)
        command = ["samlsign", "-s", "-f", str(source), "-k", str(KEYS / f"{key}.key"), "-c", str(KEYS / f"{key}.crt")]
        answer = subprocess.run(command + ["-alg", method, "-dig", digest], capture_output=True)
        if answer.returncode != 0:
            raise RuntimeError(f"samlsign: {answer.stderr}")
        return answer.stdout


def signxml(document, key, method, digest, canon, reference_uri=None, placeholder=None, xades=False):
    import lxml.etree
    import signxml
    import signxml.xades
    root = lxml.etree.fromstring(document.encode())
    kind = signxml.xades.XAdESSigner if xades else signxml.XMLSigner
    signer = kind(signature_algorithm=method, digest_algorithm=digest, c14n_algorithm=canon)
    signed = signer.sign(root, key=(KEYS / f"{key}.key").read_bytes(), cert=(KEYS / f"{key}.crt").read_text(),
                         reference_uri=reference_uri)
    return lxml.etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def jdk(document, key, method, digest, canon, uri):
    """Signs with the JDK's own XML signatures, as first child."""
    with tempfile.TemporaryDirectory() as folder:
        source, target, store = (pathlib.Path(folder, name) for name in ("in.xml", "out.xml", "key.p12"))
        source.write_text(document)
        subprocess.run(["openssl", "pkcs12", "-export", "-inkey", KEYS / f"{key}.key", "-in", KEYS / f"{key}.crt",
                        "-out", store, "-passout", "pass:secret", "-name", "key"], check=True)
        subprocess.run(["java", HERE / "Sign.java", source, target, store, method, digest, canon, uri], check=True)
        return target.read_bytes()


def by_hand(document, key, canon="exclusive", hash="sha256"):
    """Signs what no tool at hand can: digest and SignedInfo by libxml2's canonical form, the value by `cryptography`."""
    import base64
    import hashlib
    import lxml.etree
    from cryptography.hazmat.primitives import serialization
    root = lxml.etree.fromstring(document.encode())
    made = root.find(f".//{{{DS}}}Signature")
    form = lambda element: lxml.etree.tostring(element, method="c14n", exclusive=canon == "exclusive", with_comments=False)
    tail, made.tail = made.tail, None
    without = lxml.etree.fromstring(document.encode())
    twin = without.find(f".//{{{DS}}}Signature")
    before = twin.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (twin.tail or "")
    else:
        twin.getparent().text = (twin.getparent().text or "") + (twin.tail or "")
    twin.getparent().remove(twin)
    digest = base64.b64encode(hashlib.new(hash, form(without)).digest()).decode()
    made.find(f".//{{{DS}}}DigestValue").text = digest
    private = serialization.load_pem_private_key((KEYS / f"{key}.key").read_bytes(), None)
    value = private.sign(form(made.find(f"{{{DS}}}SignedInfo")))
    made.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    made.tail = tail
    return lxml.etree.tostring(root, xml_declaration=True, encoding="UTF-8")


# ------------------------------------------------------------------------------------------------------------- vectors

ROWS = []


def keep(name, content, format, key, says="-"):
    folder = HERE / "good"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.xml").write_bytes(content)
    ROWS.append(f"{name}.xml\t{format}\t{key}\t{says}")


ENTITY_SAYS = "https://idp.example/saml\t2035-01-01T00:00:00Z\tissued 2026-11-01T06:00:00Z\t1"
ENTITIES_SAYS = "urn:example:federation\t2034-12-31T23:00:00.500Z\t-\t3"
LIST_SAYS = "EU/EUlistofthelists\t2035-04-04T00:00:00Z\tversion 250\t2"
NOTHING_SAID = "-\t-\t-\t-"


def saml_vectors():
    ec, rsa = MORE + "ecdsa-sha256", MORE + "rsa-sha256"
    sign = lambda text, *signature_parts, key="ec-p256", **options: xmlsec1(
        text.format(signature=signature(*signature_parts, **options)), key)
    entity = lambda name, key, *parts, **options: keep(
        name, sign(ENTITY, *parts, key=key, **options), "saml-metadata", key, ENTITY_SAYS)

    entity("xmlsec1-ecdsa-sha256-id", "ec-p256", ec, reference("#_e1"))
    entity("xmlsec1-ecdsa-sha256-whole", "ec-p256", ec, reference(""))
    entity("xmlsec1-ecdsa-sha512-on-p256", "ec-p256", MORE + "ecdsa-sha512", reference("#_e1", digest=SHA512))
    entity("xmlsec1-ecdsa-sha384-on-p384", "ec-p384", MORE + "ecdsa-sha384", reference("#_e1", digest=SHA384))
    entity("xmlsec1-rsa-sha256", "rsa", rsa, reference("#_e1"))
    entity("xmlsec1-rsa-sha384", "rsa", MORE + "rsa-sha384", reference("#_e1", digest=SHA384))
    entity("xmlsec1-rsa-sha512", "rsa", MORE + "rsa-sha512", reference("#_e1", digest=SHA512))
    entity("xmlsec1-no-key-info", "ec-p256", ec, reference("#_e1"), key_info="")

    def forms(form, prefixes=None):
        canon = transform(form, prefixes, "CanonicalizationMethod")
        return {"canon": canon}, transform(ENVELOPED) + transform(form, prefixes)

    for name, form, prefixes in [
        ("c14n10", C14N10, None), ("c14n11", C14N11, None), ("exclusive", EXCLUSIVE, None),
        ("exclusive-comments", EXCLUSIVE + "WithComments", None), ("c14n10-comments", C14N10 + "#WithComments", None),
        ("c14n11-comments", C14N11 + "#WithComments", None),
        ("prefix-list", EXCLUSIVE, "md unused #default missing"), ("prefix-list-empty", EXCLUSIVE, ""),
    ]:
        canon, transforms = forms(form, prefixes)
        entity(f"xmlsec1-{name}", "ec-p256", ec, reference("#_e1", transforms), **canon)
        signed = sign(ENTITIES, ec, reference("#all", transforms), **canon)
        keep(f"xmlsec1-entities-{name}", signed, "saml-metadata", "ec-p256", ENTITIES_SAYS)
    entity("xmlsec1-implied-c14n10", "ec-p256", ec, reference("#_e1", transform(ENVELOPED)))

    # The same in other bytes: what the canonical form does not see.
    good = (HERE / "good" / "xmlsec1-entities-exclusive.xml").read_bytes()
    same = lambda name, content: keep(name, content, "saml-metadata", "ec-p256", ENTITIES_SAYS)
    same("rewritten-crlf", good.replace(b"\n", b"\r\n"))
    same("rewritten-cr", good.replace(b"\n", b"\r"))
    same("rewritten-bom", b"\xef\xbb\xbf" + good)
    same("rewritten-no-declaration", good[good.index(b"<EntitiesDescriptor"):])
    same("rewritten-quotes", good.replace(b'entityID="https://a.example/"', b"entityID\t=\n'https://a.example/' "))
    same("rewritten-end", good.replace(b"</EntitiesDescriptor>", b"</EntitiesDescriptor\n >") + b" \t\n\n")
    same("rewritten-references", good.replace(b"urn:b", b"&#x75;r&#110;:<![CDATA[b]]>"))

    # An entity that is signed by its own publisher, in a list that is signed by another.
    inner = sign(ENTITY, ec, reference("#_e1"), key="stranger").decode()
    inner = inner[inner.index("<md:"):]
    outer = f"""<md:EntitiesDescriptor xmlns:md="{MD}" ID="outer">{{signature}}{inner}</md:EntitiesDescriptor>"""
    keep("xmlsec1-signed-within-signed", sign(outer, ec, reference("#outer")), "saml-metadata", "ec-p256", "-\t-\t-\t1")

    plain = ENTITY.format(signature="")
    for key, method, digest in [("rsa", rsa, SHA256), ("rsa", MORE + "rsa-sha512", SHA512), ("ec-p256", ec, SHA256)]:
        name = f"samlsign-{method.split('#')[1]}"
        keep(name, samlsign(plain, key, method, digest), "saml-metadata", key, ENTITY_SAYS)

    pss = "http://www.w3.org/2007/05/xmldsig-more#sha{}-rsa-MGF1"
    with_place = ENTITY.format(signature=f'<ds:Signature xmlns:ds="{DS}" Id="placeholder"/>')
    for bits, digest in [(256, SHA256), (384, SHA384), (512, SHA512)]:
        signed = signxml(with_place, "rsa", pss.format(bits), digest, EXCLUSIVE, "#_e1")
        keep(f"signxml-rsa-pss-sha{bits}", signed, "saml-metadata", "rsa", ENTITY_SAYS)
    keep("signxml-ecdsa", signxml(with_place, "ec-p256", ec, SHA256, C14N11, "#_e1"), "saml-metadata", "ec-p256", ENTITY_SAYS)

    for name, key, method, digest, canon, uri in [
        ("rsa-sha256", "rsa", rsa, SHA256, EXCLUSIVE, "#_e1"),
        ("rsa-pss", "rsa", pss.format(256), SHA256, EXCLUSIVE, ""),
        ("c14n10-comments", "ec-p256", ec, SHA256, C14N10 + "#WithComments", ""),
    ]:
        keep(f"jdk-{name}", jdk(plain, key, method, digest, canon, uri), "saml-metadata", key, ENTITY_SAYS)
    made = signature("http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519", reference("#_e1"), key_info="")
    keep("by-hand-ed25519", by_hand(ENTITY.format(signature=made), "ed25519"), "saml-metadata", "ed25519", ENTITY_SAYS)


def other_vectors():
    ec = MORE + "ecdsa-sha256"
    # Nothing that a canonical form leaves out: here every bit counts.
    bare = lambda document: document[document.index(b"?>\n") + 3:].rstrip(b"\n")
    text = f'<EntityDescriptor xmlns="{MD}" entityID="urn:a">{{}}<Organization>a</Organization></EntityDescriptor>'
    made = signature(ec, reference(""), key_info="")
    keep("every-bit-counts", bare(xmlsec1(text.format(made), "ec-p256")), "saml-metadata", "ec-p256", "urn:a\t-\t-\t1")
    text = '<a xmlns="urn:a"><b c="d">e</b>{}</a>'
    keep("every-bit-counts-last", bare(xmlsec1(text.format(made), "ec-p256", [])), "xmldsig", "ec-p256", NOTHING_SAID)
    ids = [f"{name}:urn:example:feed:feed" for name in IDS]
    for where in ["first", "middle", "last"]:
        for name, form in [("exclusive", EXCLUSIVE), ("c14n10", C14N10), ("c14n11", C14N11)]:
            for digest in [SHA256, SHA384, SHA512] if where == "last" else [SHA256]:
                made = signature(ec, reference("", transform(ENVELOPED) + transform(form), digest),
                                 transform(form, name="CanonicalizationMethod"))
                parts = {place: made if place == where else "" for place in ["first", "middle", "last"]}
                signed = xmlsec1(ANYTHING.format(id="", **parts), "ec-p256", ids)
                keep(f"xmlsec1-{where}-{name}-{digest.split('#')[1]}", signed, "xmldsig", "ec-p256", NOTHING_SAID)
    for attribute in ["ID", "Id", "id", "xml:id"]:
        made = signature(ec, reference("#x1"))
        text = ANYTHING.format(id=f' {attribute}="x1"', first="", middle="", last=made)
        signed = xmlsec1(text, "ec-p256", ids if ":" not in attribute else [])
        keep(f"xmlsec1-by-{attribute.replace(':', '-')}", signed, "xmldsig", "ec-p256", NOTHING_SAID)
    made = signature(ec, reference("", transform(ENVELOPED) + transform(EXCLUSIVE, "a #default")))
    signed = xmlsec1(ANYTHING.format(id="", first=made, middle="", last=""), "ec-p256", ids)
    keep("xmlsec1-first-prefix-list", signed, "xmldsig", "ec-p256", NOTHING_SAID)


XADES = "http://uri.etsi.org/01903/v1.3.2#"


def properties(unsigned=""):
    return (f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#sig"><xades:SignedProperties Id="props">'
            "<xades:SignedSignatureProperties><xades:SigningTime>2026-10-04T13:51:27Z</xades:SigningTime>"
            "</xades:SignedSignatureProperties></xades:SignedProperties>"
            f"{unsigned}</xades:QualifyingProperties></ds:Object>")


XADES_IDS = [f"Id:{XADES}:SignedProperties", f"Id:{TSL}:TrustServiceStatusList"]


def properties_reference(transforms, digest=SHA256):
    return reference("#props", transforms, digest, 'Type="http://uri.etsi.org/01903#SignedProperties"')


def list_vectors():
    # As the tools of the EU's scheme operators write it.
    for name, method, digest, form in [
        ("sha256", MORE + "rsa-sha256", SHA256, EXCLUSIVE), ("sha512", MORE + "rsa-sha512", SHA512, EXCLUSIVE),
        ("c14n10", MORE + "rsa-sha256", SHA256, C14N10), ("c14n11", MORE + "rsa-sha256", SHA256, C14N11),
    ]:
        for implied in [False, True] if name == "c14n10" else [False]:
            references = reference("", transform(ENVELOPED) + transform(form), digest, 'Id="ref" Type=""')
            references += properties_reference("" if implied else transform(form), digest)
            made = signature(method, references, transform(form, name="CanonicalizationMethod"),
                             more=properties(), attributes=' Id="sig"')
            signed = xmlsec1(LIST.format(signature=made), "rsa", XADES_IDS)
            keep(f"xmlsec1-list-{name}{'-implied' * implied}", signed, "trusted-list", "rsa", LIST_SAYS)
    unsigned = ("<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CertificateValues>"
                "<xades:EncapsulatedX509Certificate>AAAA</xades:EncapsulatedX509Certificate></xades:CertificateValues>"
                "</xades:UnsignedSignatureProperties></xades:UnsignedProperties>")
    references = reference("#list") + properties_reference(transform(EXCLUSIVE))
    made = signature(MORE + "ecdsa-sha256", references, more=properties(unsigned), attributes=' Id="sig"')
    signed = xmlsec1(LIST.format(signature=made), "ec-p256", XADES_IDS)
    keep("xmlsec1-list-by-id-unsigned-properties", signed, "trusted-list", "ec-p256", LIST_SAYS)
    plain = LIST.format(signature="")
    # Not with exclusive canonical XML: signxml 5.2.0 digests the signed properties in it and does not say so.
    for form, name in [(C14N10, "c14n10"), (C14N11, "c14n11")]:
        signed = signxml(plain, "rsa", MORE + "rsa-sha256", SHA256, form, xades=True)
        keep(f"signxml-xades-{name}", signed, "trusted-list", "rsa", LIST_SAYS)


def main():
    make_keys()
    saml_vectors()
    other_vectors()
    list_vectors()
    head = "file\tformat\tkey\tidentity\tvalid_until\tmark\tentries"
    (HERE / "good.tsv").write_text("\n".join([head] + ROWS) + "\n")
    print(f"{len(ROWS)} documents")


if __name__ == "__main__":
    main()
