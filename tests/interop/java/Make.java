// Makes with Bouncy Castle what we are to verify: a CA with certificates, a revocation list, CMS
// messages and a time stamp, in SM2 with SM3 or P-256 with SHA-256.
import java.math.BigInteger;
import java.nio.file.*;
import java.security.*;

import java.security.spec.ECGenParameterSpec;
import java.util.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.gm.GMObjectIdentifiers;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.*;
import org.bouncycastle.operator.jcajce.*;
import org.bouncycastle.tsp.*;

public class Make {
    static final long DAY = 86_400_000L;
    final String curve, algorithm, hashName;
    final ASN1ObjectIdentifier hash;
    final Date from = new Date(System.currentTimeMillis() / 1000 * 1000 - DAY);
    final Date to = new Date(from.getTime() + 300 * DAY);
    long serial = 0x1000;

    Make(String suite) {
        boolean gm = suite.equals("gm");
        curve = gm ? "sm2p256v1" : "P-256";
        algorithm = gm ? "SM3WITHSM2" : "SHA256WITHECDSA";
        hashName = gm ? "SM3" : "SHA-256";
        hash = gm ? GMObjectIdentifiers.sm3 : NISTObjectIdentifiers.id_sha256;
    }

    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        Make make = new Make(args[1]);
        if (args[0].equals("query")) make.query(Path.of(args[2]), Path.of(args[3]));
        else make.world(Path.of(args[2]));
    }

    KeyPair key() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(new ECGenParameterSpec(curve));
        return generator.generateKeyPair();
    }

    ContentSigner signer(PrivateKey key) throws Exception {
        return new JcaContentSignerBuilder(algorithm).setProvider("BC").build(key);
    }

    X509CertificateHolder issue(String name, PublicKey key, X509CertificateHolder issuer, PrivateKey by, int usage, boolean ca, boolean stamps) throws Exception {
        X500Name subject = new X500Name("CN=" + name);
        X500Name issuerName = issuer == null ? subject : issuer.getSubject();
        JcaX509ExtensionUtils ids = new JcaX509ExtensionUtils();
        JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(issuerName, BigInteger.valueOf(++serial), from, to, subject, key);
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(ca));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
        builder.addExtension(Extension.subjectKeyIdentifier, false, ids.createSubjectKeyIdentifier(key));
        if (issuer != null) builder.addExtension(Extension.authorityKeyIdentifier, false, ids.createAuthorityKeyIdentifier(issuer));
        if (stamps) builder.addExtension(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(KeyPurposeId.id_kp_timeStamping));
        return builder.build(signer(by));
    }

    void world(Path out) throws Exception {
        int ends = KeyUsage.digitalSignature | KeyUsage.nonRepudiation;
        KeyPair rootKey = key(), personKey = key(), tsaKey = key();
        X509CertificateHolder root = issue("BC root", rootKey.getPublic(), null, rootKey.getPrivate(), KeyUsage.keyCertSign | KeyUsage.cRLSign, true, false);
        X509CertificateHolder person = issue("BC person", personKey.getPublic(), root, rootKey.getPrivate(), ends, false, false);
        X509CertificateHolder revoked = issue("BC revoked", key().getPublic(), root, rootKey.getPrivate(), ends, false, false);
        X509CertificateHolder tsa = issue("BC authority", tsaKey.getPublic(), root, rootKey.getPrivate(), ends, false, true);
        Files.write(out.resolve("root.cer"), root.getEncoded());
        Files.write(out.resolve("person.cer"), person.getEncoded());
        Files.write(out.resolve("revoked.cer"), revoked.getEncoded());
        X509v2CRLBuilder crl = new X509v2CRLBuilder(root.getSubject(), from);
        crl.setNextUpdate(to);
        crl.addCRLEntry(revoked.getSerialNumber(), new Date(from.getTime() + 1000), CRLReason.keyCompromise);
        crl.addExtension(Extension.authorityKeyIdentifier, false, new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(root));
        crl.addExtension(Extension.cRLNumber, false, new CRLNumber(BigInteger.ONE));
        Files.write(out.resolve("ca.crl"), crl.build(signer(rootKey.getPrivate())).getEncoded());

        byte[] data = Files.readAllBytes(out.resolve("data"));
        CMSSignedDataGenerator cms = new CMSSignedDataGenerator();
        cms.addSignerInfoGenerator(info(personKey, person));
        cms.addCertificate(person);
        CMSProcessableByteArray content = new CMSProcessableByteArray(data);
        Files.write(out.resolve("data.p7s"), cms.generate(content, false).getEncoded("DER"));
        Files.write(out.resolve("data.p7m"), cms.generate(content, true).getEncoded("DER"));

        DigestCalculator certificates = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build().get(new AlgorithmIdentifier(hash));
        TimeStampTokenGenerator tokens = new TimeStampTokenGenerator(info(tsaKey, tsa), certificates, new ASN1ObjectIdentifier("1.2.3.4.1"));
        tokens.addCertificates(new JcaCertStore(List.of(tsa)));
        TimeStampResponseGenerator responses = new TimeStampResponseGenerator(tokens, Set.of(hash.getId()));
        TimeStampResponse response = responses.generate(request(data), BigInteger.TEN, new Date(from.getTime() + DAY));
        if (response.getTimeStampToken() == null) throw new IllegalStateException(response.getStatusString());
        Files.write(out.resolve("data.tsr"), response.getEncoded());
    }

    SignerInfoGenerator info(KeyPair key, X509CertificateHolder certificate) throws Exception {
        DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().setProvider("BC").build();
        return new JcaSignerInfoGeneratorBuilder(digests).build(signer(key.getPrivate()), certificate);
    }

    TimeStampRequest request(byte[] data) throws Exception {
        TimeStampRequestGenerator generator = new TimeStampRequestGenerator();
        generator.setCertReq(true);
        return generator.generate(hash, MessageDigest.getInstance(hashName, "BC").digest(data), BigInteger.valueOf(4711));
    }

    void query(Path data, Path out) throws Exception {
        Files.write(out, request(Files.readAllBytes(data)).getEncoded());
    }
}
