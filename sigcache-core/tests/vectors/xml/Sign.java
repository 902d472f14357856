// Signs a document with the JDK's own XML signatures, the signature as first child of the document element.
import java.io.*;
import java.security.*;
import java.security.cert.X509Certificate;
import java.util.*;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.keyinfo.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.*;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.*;

public class Sign {
    public static void main(String[] a) throws Exception {
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        Document document = builders.newDocumentBuilder().parse(new File(a[0]));
        Element root = document.getDocumentElement();
        root.setIdAttribute("ID", true);
        char[] password = "secret".toCharArray();
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(new FileInputStream(a[2]), password);
        PrivateKey key = (PrivateKey) store.getKey("key", password);
        X509Certificate certificate = (X509Certificate) store.getCertificate("key");
        XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
        Reference reference = factory.newReference(a[6], factory.newDigestMethod(a[4], null), List.of(
            factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
            factory.newTransform(a[5], (TransformParameterSpec) null)), null, null);
        SignedInfo info = factory.newSignedInfo(
            factory.newCanonicalizationMethod(a[5], (C14NMethodParameterSpec) null),
            factory.newSignatureMethod(a[3], null), List.of(reference));
        KeyInfoFactory keys = factory.getKeyInfoFactory();
        KeyInfo keyInfo = keys.newKeyInfo(List.of(
            keys.newKeyValue(certificate.getPublicKey()), keys.newX509Data(List.of(certificate))));
        factory.newXMLSignature(info, keyInfo).sign(new DOMSignContext(key, root, root.getFirstChild()));
        TransformerFactory.newInstance().newTransformer()
            .transform(new DOMSource(document), new StreamResult(new FileOutputStream(a[1])));
    }
}
