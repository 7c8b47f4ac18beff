"""GmSSL (PyPI gmssl-pyx, the C library inside) beside the benches.

    pip install gmssl-pyx
    MIFENG_PEER="python3 benches/peers/gmssl.py" cargo bench -p benches --bench suites

Reads "JOB COUNT" lines, answers each with the nanoseconds that COUNT runs took, or "-".
"""

import sys
import time

import gmssl_pyx as gm

public, private = gm.sm2_key_generate()
message = b"a trailer or a record body is hashed first and signed once"
digest = bytes(32)
signature = gm.sm2_sign_sm3_digest(private, digest)
cipher = gm.sm2_encrypt(public, digest)
data = bytes(1 << 20)
assert gm.sm2_verify_sm3_digest(public, digest, signature)
jobs = {
    "sm2-sign": lambda: gm.sm2_sign_sm3_digest(private, digest),
    "sm2-verify": lambda: gm.sm2_verify_sm3_digest(public, digest, signature),
    "sm2-encrypt": lambda: gm.sm2_encrypt(public, digest),
    "sm2-decrypt": lambda: gm.sm2_decrypt(private, cipher),
    "sm3-1m": lambda: gm.sm3_hash(data),
}
for line in sys.stdin:
    name, count = line.split()
    run = jobs.get(name)
    if run is None:
        print("-", flush=True)
        continue
    start = time.perf_counter_ns()
    for _ in range(int(count)):
        run()
    print(time.perf_counter_ns() - start, flush=True)
