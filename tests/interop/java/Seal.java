import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1GeneralizedTime;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.crypto.digests.SM3Digest;
import org.bouncycastle.crypto.params.AsymmetricKeyParameter;
import org.bouncycastle.crypto.params.ParametersWithID;
import org.bouncycastle.crypto.signers.SM2Signer;
import org.bouncycastle.crypto.util.PublicKeyFactory;
import org.bouncycastle.tsp.TimeStampToken;

/** Seals and seal signatures of GB/T 38540 with Bouncy Castle alone: every field by its type, DER to the byte, SM2 values. */
public final class Seal {
    private static final String SM2_SM3 = "1.2.156.10197.1.501";
    private static final String SM3 = "1.2.156.10197.1.401";
    private static final byte[] IDENTITY = "1234567812345678".getBytes();

    public static void main(String[] args) throws Exception {
        byte[] file = Files.readAllBytes(Path.of(args[1]));
        ASN1Sequence all;
        try {
            all = sequence(ASN1Primitive.fromByteArray(file));
        } catch (java.io.IOException | ClassCastException e) {
            demand(false, "no DER sequence: " + e.getMessage());
            return;
        }
        demand(Arrays.equals(all.getEncoded("DER"), file), "not DER to the byte");
        switch (args[0]) {
            case "seal" -> seal(all);
            case "signature" -> signature(all, Files.readAllBytes(Path.of(args[2])));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    /** The number of the seal's edition. */
    private static int seal(ASN1Sequence seal) throws Exception {
        ASN1Sequence info = sequence(seal.getObjectAt(0));
        ASN1Sequence header = sequence(info.getObjectAt(0));
        demand(((DERIA5String) header.getObjectAt(0)).getString().equals("ES"), "ID");
        int version = number(header.getObjectAt(1));
        demand(version == 4 || version == 5, "version " + version);
        ia5(header.getObjectAt(2));
        ia5(info.getObjectAt(1));
        ASN1Sequence property = sequence(info.getObjectAt(2));
        number(property.getObjectAt(0));
        DERUTF8String name = (DERUTF8String) property.getObjectAt(1);
        for (int n = 4; n < 7; n++) {
            demand(((ASN1GeneralizedTime) property.getObjectAt(n)).getTimeString().endsWith("Z"), "time");
        }
        ASN1Sequence picture = sequence(info.getObjectAt(3));
        ia5(picture.getObjectAt(0));
        demand(octets(picture.getObjectAt(1)).length > 0, "picture");
        System.out.println("seal " + name.getString() + ", version " + version + ", picture "
            + number(picture.getObjectAt(2)) + "x" + number(picture.getObjectAt(3)));
        byte[] value = signed(info, seal, "seal");
        stamp(seal, value);
        return version;
    }

    private static void signature(ASN1Sequence all, byte[] data) throws Exception {
        ASN1Sequence tbs = sequence(all.getObjectAt(0));
        int version = number(tbs.getObjectAt(0));
        ASN1Sequence seal = sequence(tbs.getObjectAt(1));
        demand(seal(seal) == version, "version of the seal");
        demand(tbs.getObjectAt(2) instanceof ASN1GeneralizedTime, "timeInfo");
        SM3Digest sm3 = new SM3Digest();
        sm3.update(data, 0, data.length);
        byte[] digest = new byte[32];
        sm3.doFinal(digest, 0);
        demand(Arrays.equals(bits(tbs.getObjectAt(3)), digest), "dataHash");
        ia5(tbs.getObjectAt(4));
        byte[] value = signed(tbs, all, "signature");
        listed(sequence(sequence(seal.getObjectAt(0)).getObjectAt(2)), octets(all.getObjectAt(1)));
        stamp(all, value);
    }

    /** The SM2 value over the DER of the first part, by the certificate in the second. */
    private static byte[] signed(ASN1Sequence part, ASN1Sequence whole, String what) throws Exception {
        Certificate certificate = Certificate.getInstance(octets(whole.getObjectAt(1)));
        demand(((ASN1ObjectIdentifier) whole.getObjectAt(2)).getId().equals(SM2_SM3), "algorithm");
        byte[] value = bits(whole.getObjectAt(3));
        AsymmetricKeyParameter key = PublicKeyFactory.createKey(certificate.getSubjectPublicKeyInfo());
        SM2Signer signer = new SM2Signer();
        signer.init(false, new ParametersWithID(key, IDENTITY));
        byte[] tbs = part.getEncoded("DER");
        signer.update(tbs, 0, tbs.length);
        demand(signer.verifySignature(value), "value of the " + what);
        System.out.println(what + " by " + certificate.getSubject());
        return value;
    }

    /** The signer's certificate, or its SM3, is in the seal's list. */
    private static void listed(ASN1Sequence property, byte[] certificate) {
        int kind = number(property.getObjectAt(2));
        SM3Digest sm3 = new SM3Digest();
        sm3.update(certificate, 0, certificate.length);
        byte[] digest = new byte[32];
        sm3.doFinal(digest, 0);
        boolean found = false;
        for (ASN1Encodable one : sequence(property.getObjectAt(3))) {
            if (kind == 1) {
                found |= Arrays.equals(octets(one), certificate);
            } else {
                demand(sequence(one).getObjectAt(0) instanceof DERPrintableString, "label of a digest");
                found |= Arrays.equals(octets(sequence(one).getObjectAt(1)), digest);
            }
        }
        demand(found, "signer not listed");
    }

    /** A time stamp, where there is one, is over the SM3 of the value. */
    private static void stamp(ASN1Sequence all, byte[] value) throws Exception {
        if (all.size() < 5) {
            return;
        }
        ASN1TaggedObject tagged = (ASN1TaggedObject) all.getObjectAt(4);
        demand(tagged.getTagNo() == 0 && tagged.isExplicit(), "tag of the time stamp");
        byte[] token = bits(DERBitString.getInstance(tagged, true));
        TimeStampToken stamp = new TimeStampToken(new CMSSignedData(token));
        demand(stamp.getTimeStampInfo().getMessageImprintAlgOID().getId().equals(SM3), "imprint's hash");
        SM3Digest sm3 = new SM3Digest();
        sm3.update(value, 0, value.length);
        byte[] digest = new byte[32];
        sm3.doFinal(digest, 0);
        demand(Arrays.equals(stamp.getTimeStampInfo().getMessageImprintDigest(), digest), "imprint");
        System.out.println("time stamp " + stamp.getTimeStampInfo().getGenTime().toInstant());
    }

    private static ASN1Sequence sequence(ASN1Encodable part) {
        return (ASN1Sequence) part.toASN1Primitive();
    }

    private static int number(ASN1Encodable part) {
        return ((ASN1Integer) part).getValue().intValueExact();
    }

    private static byte[] octets(ASN1Encodable part) {
        return ((ASN1OctetString) part).getOctets();
    }

    private static byte[] bits(ASN1Encodable part) {
        ASN1BitString bits = (ASN1BitString) part.toASN1Primitive();
        demand(bits.getPadBits() == 0, "unused bits");
        return bits.getBytes();
    }

    private static void ia5(ASN1Encodable part) {
        demand(part instanceof DERIA5String, "IA5String expected");
    }

    private static void demand(boolean holds, String what) {
        if (!holds) {
            System.err.println("refused: " + what);
            System.exit(1);
        }
    }
}
