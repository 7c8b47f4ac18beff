// Verifies with Bouncy Castle what we made. Exit code 1: refused, with the reason.
import java.io.*;
import java.nio.file.*;
import java.security.Security;
import java.security.cert.*;
import java.util.*;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.tsp.*;
import org.bouncycastle.util.Store;

public class Check {
    public static void main(String[] args) {
        Security.addProvider(new BouncyCastleProvider());
        try {
            switch (args[0]) {
                case "chain" -> chain(args);
                case "crl" -> crl(args);
                case "cms" -> cms(args);
                case "stamp" -> stamp(args);
                default -> throw new IllegalArgumentException(args[0]);
            }
            System.out.println("good");
        } catch (Exception e) {
            System.out.println("refused: " + e);
            System.exit(1);
        }
    }

    static X509Certificate certificate(String path) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(path))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509", "BC").generateCertificate(in);
        }
    }

    /** chain ROOT CA LEAF: the PKIX path validation of Bouncy Castle. */
    static void chain(String[] args) throws Exception {
        CertPath path = CertificateFactory.getInstance("X.509", "BC").generateCertPath(List.of(certificate(args[3]), certificate(args[2])));
        PKIXParameters with = new PKIXParameters(Set.of(new TrustAnchor(certificate(args[1]), null)));
        with.setRevocationEnabled(false);
        CertPathValidator.getInstance("PKIX", "BC").validate(path, with);
    }

    /** crl CA LIST LEAF good|revoked */
    static void crl(String[] args) throws Exception {
        X509CRL list;
        try (InputStream in = Files.newInputStream(Path.of(args[2]))) {
            list = (X509CRL) CertificateFactory.getInstance("X.509", "BC").generateCRL(in);
        }
        list.verify(certificate(args[1]).getPublicKey(), "BC");
        if (list.isRevoked(certificate(args[3])) != args[4].equals("revoked")) throw new Exception("not " + args[4]);
    }

    /** cms MESSAGE [CONTENT] */
    static void cms(String[] args) throws Exception {
        byte[] message = Files.readAllBytes(Path.of(args[1]));
        CMSSignedData signed = args.length > 2
            ? new CMSSignedData(new CMSProcessableByteArray(Files.readAllBytes(Path.of(args[2]))), message)
            : new CMSSignedData(message);
        Collection<SignerInformation> signers = signed.getSignerInfos().getSigners();
        if (signers.size() != 1) throw new Exception(signers.size() + " signers");
        for (SignerInformation signer : signers) {
            X509CertificateHolder by = of(signed.getCertificates(), signer.getSID());
            if (!signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(by))) throw new Exception("signature");
        }
    }

    /** stamp REQUEST RESPONSE */
    static void stamp(String[] args) throws Exception {
        TimeStampRequest request = new TimeStampRequest(Files.readAllBytes(Path.of(args[1])));
        TimeStampResponse response = new TimeStampResponse(Files.readAllBytes(Path.of(args[2])));
        response.validate(request);
        TimeStampToken token = response.getTimeStampToken();
        X509CertificateHolder by = of(token.getCertificates(), token.getSID());
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(by));
    }

    @SuppressWarnings({"rawtypes", "unchecked"})
    static X509CertificateHolder of(Store store, SignerId id) throws Exception {
        Iterator<X509CertificateHolder> found = store.getMatches(id).iterator();
        if (!found.hasNext()) throw new Exception("signer's certificate is missing");
        return found.next();
    }
}
