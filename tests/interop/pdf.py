"""pyHanko (PyPI) on signed PDF. None of our code.

    pdf.py verify FILE ROOT.pem…          every signature: one line; exit code 1 if one does not hold
    pdf.py sign IN KEY.pem CERT.pem ROOT.pem OUT [pades|cms|certify]
    pdf.py der FILE OUT.der OUT.content    the first signature's message and the bytes that it signs
"""

import sys

from pyhanko import keys
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext


def verify(name, roots):
    anchors = list(keys.load_certs_from_pemder(roots))
    good = True
    with open(name, "rb") as file:
        reader = PdfFileReader(file)
        for one in reader.embedded_signatures:
            context = ValidationContext(trust_roots=anchors, allow_fetching=False)
            stamp = str(one.sig_object.get("/Type")) == "/DocTimeStamp"
            check = validate_pdf_timestamp if stamp else validate_pdf_signature
            status = check(one, context)
            holds = status.intact and status.valid and status.trusted if stamp else status.bottom_line
            good = good and holds
            stamped = getattr(status, "timestamp_validity", None)
            print(one.field_name, "holds" if holds else "does not hold",
                  "intact" if status.intact else "broken", "trusted" if status.trusted else "untrusted",
                  status.coverage.name,
                  "stamped" if stamped and stamped.valid and stamped.trusted else "unstamped")
    sys.exit(0 if good else 1)


def sign(source, key, cert, root, target, form="pades"):
    signer = signers.SimpleSigner.load(key, cert, ca_chain_files=(root,))
    kind = SigSeedSubFilter.ADOBE_PKCS7_DETACHED if form == "cms" else SigSeedSubFilter.PADES
    meta = signers.PdfSignatureMetadata(
        field_name="Theirs", subfilter=kind, reason="interop", md_algorithm="sha256",
        certify=form == "certify", docmdp_permissions=fields.MDPPerm.FILL_FORMS)
    with open(source, "rb") as file, open(target, "wb") as out:
        signers.sign_pdf(IncrementalPdfFileWriter(file), meta, signer=signer, output=out)


def der(name, message, content):
    data = open(name, "rb").read()
    with open(name, "rb") as file:
        one = PdfFileReader(file).embedded_signatures[0]
        a, b, c, d = one.byte_range
        open(message, "wb").write(one.signed_data and one.sig_object.raw_get("/Contents").rstrip(b"\0"))
        open(content, "wb").write(data[a:a + b] + data[c:c + d])


{"verify": lambda name, *roots: verify(name, roots), "sign": sign, "der": der}[sys.argv[1]](*sys.argv[2:])
