// Makes the documents of this folder with Bouncy Castle: java -cp BCPROV:BCPKIX:BCUTIL Make.java SUITE > SUITE.json
// The keys are drawn and forgotten: a new run gives other documents of the same names.
import java.math.BigInteger;
import java.security.*;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cert.ocsp.*;
import org.bouncycastle.cert.ocsp.jcajce.JcaBasicOCSPRespBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.*;

public class Make {
    static final String JANUARY = "2026-01-01", MAY = "2026-05-01", JUNE = "2026-06-01", JULY = "2026-07-01", END = "2027-01-01", LATER = "2036-01-01";
    static final X500Name ROOT = new X500Name("CN=Revocation Root");
    static final int HOLD = CRLReason.certificateHold, SUPERSEDED = CRLReason.superseded;
    static String curve, algorithm;
    static final Map<String, byte[]> made = new TreeMap<>();

    static Date day(String text) {
        return Date.from(Instant.parse(text + "T00:00:00Z"));
    }

    static KeyPair key() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(new ECGenParameterSpec(curve));
        return generator.generateKeyPair();
    }

    static ContentSigner by(KeyPair key) throws Exception {
        return new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key.getPrivate());
    }

    static AuthorityKeyIdentifier names(String identifier) {
        return new AuthorityKeyIdentifier(identifier.getBytes());
    }

    static X509v3CertificateBuilder certificate(int serial, X500Name subject, KeyPair key, String from, String to) throws Exception {
        return new JcaX509v3CertificateBuilder(ROOT, BigInteger.valueOf(serial), day(from), day(to), subject, key.getPublic());
    }

    static X509CertificateHolder keep(String name, X509v3CertificateBuilder builder, KeyPair by) throws Exception {
        X509CertificateHolder built = builder.build(by(by));
        made.put(name, built.getEncoded());
        return built;
    }

    // A root, or the certificate of a new key by the old one: its subject is always the same.
    static X509CertificateHolder root(String name, int serial, KeyPair key, String own, KeyPair by, String of, String from, String to) throws Exception {
        X509v3CertificateBuilder builder = certificate(serial, ROOT, key, from, to);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        builder.addExtension(Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(own.getBytes()));
        builder.addExtension(Extension.authorityKeyIdentifier, false, names(of));
        return keep(name, builder, by);
    }

    static X509CertificateHolder leaf(String name, int serial, KeyPair by, String of) throws Exception {
        X509v3CertificateBuilder builder = certificate(serial, new X500Name("CN=" + name), key(), JANUARY, LATER);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        if (of != null) builder.addExtension(Extension.authorityKeyIdentifier, false, names(of));
        return keep(name, builder, by);
    }

    // A list over one certificate, or over none; who is on it is since May.
    static void list(String name, int number, String made, KeyPair by, String of, X509CertificateHolder on, int reason) throws Exception {
        X509v2CRLBuilder builder = new X509v2CRLBuilder(ROOT, day(made));
        builder.setNextUpdate(day(LATER));
        if (on != null) builder.addCRLEntry(on.getSerialNumber(), day(MAY), reason);
        builder.addExtension(Extension.authorityKeyIdentifier, false, names(of));
        builder.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.valueOf(number)));
        Make.made.put(name, builder.build(by(by)).getEncoded());
    }

    static void answer(String name, X509CertificateHolder root, X509CertificateHolder of, CertificateStatus status, KeyPair by, X509CertificateHolder... responder) throws Exception {
        var digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        var sha1 = digests.get(CertificateID.HASH_SHA1);
        var signer = responder.length == 0 ? root : responder[0];
        BasicOCSPRespBuilder builder = new BasicOCSPRespBuilder(signer.getSubjectPublicKeyInfo(), sha1);
        builder.addResponse(new CertificateID(sha1, root, of.getSerialNumber()), status, day(JUNE), day(LATER));
        BasicOCSPResp basic = builder.build(by(by), responder, day(JUNE));
        made.put(name, new OCSPRespBuilder().build(OCSPRespBuilder.SUCCESSFUL, basic).getEncoded());
    }

    static void roots(KeyPair old, KeyPair other) throws Exception {
        root("root-renewed", 2, old, "first", old, "first", JUNE, LATER);
        root("root-another-identifier", 3, old, "second", old, "second", JANUARY, LATER);
        root("root-another-key", 4, other, "other", other, "other", JANUARY, LATER);
        X509CertificateHolder link = root("other-by-old", 5, other, "other", old, "first", JANUARY, LATER);
        leaf("leaf-of-another-key", 11, other, "other");
        leaf("leaf-without-identifier", 12, old, null);
        list("list-of-link-revoked", 7, JUNE, old, "first", link, SUPERSEDED);
    }

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        boolean gm = args[0].equals("gm-1");
        curve = gm ? "sm2p256v1" : "P-256";
        algorithm = gm ? "SM3WITHSM2" : "SHA256WITHECDSA";
        KeyPair old = key(), other = key(), asked = key();
        X509CertificateHolder root = root("root", 1, old, "first", old, "first", JANUARY, END);
        roots(old, other);
        X509CertificateHolder leaf = leaf("leaf", 10, old, "first");
        X509v3CertificateBuilder builder = certificate(13, new X500Name("CN=responder"), asked, JANUARY, LATER);
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(KeyPurposeId.id_kp_OCSPSigning));
        builder.addExtension(Extension.authorityKeyIdentifier, false, names("first"));
        builder.addExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nocheck, false, DERNull.INSTANCE);
        X509CertificateHolder responder = keep("responder", builder, old);
        list("list-june-hold", 1, JUNE, old, "first", leaf, HOLD);
        list("list-june-revoked", 2, JUNE, old, "first", leaf, SUPERSEDED);
        list("list-june-without", 3, JUNE, old, "first", null, 0);
        list("list-july-hold", 4, JULY, old, "first", leaf, HOLD);
        list("list-july-revoked", 5, JULY, old, "first", leaf, SUPERSEDED);
        list("list-july-without", 6, JULY, old, "first", null, 0);
        list("list-july-of-another-key", 1, JULY, other, "other", null, 0);
        answer("answer-hold", root, leaf, new RevokedStatus(day(MAY), HOLD), old);
        answer("answer-revoked", root, leaf, new RevokedStatus(day(MAY), SUPERSEDED), old);
        answer("answer-good-by-responder", root, leaf, CertificateStatus.GOOD, asked, responder);
        List<String> lines = new ArrayList<>();
        made.forEach((name, der) -> lines.add("  \"" + name + "\": \"" + HexFormat.of().formatHex(der) + "\""));
        System.out.println("{\n" + String.join(",\n", lines) + "\n}");
    }
}
