/* OpenSSL 3 beside the benches: reads "JOB COUNT" lines, answers each with the nanoseconds that
 * COUNT runs of JOB took, or "-" for a job it does not have. */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ID "1234567812345678"
static unsigned char data[1 << 20], out[(1 << 20) + 64], signature[128], cipher[256];
static const unsigned char message[] = "a trailer or a record body is hashed first and signed once";
static size_t signature_len, cipher_len;
static EVP_PKEY *key;

static void need(int ok, const char *what) {
    if (!ok) { fprintf(stderr, "openssl: %s failed\n", what); _Exit(1); }
}

static EVP_MD_CTX *digest_ctx(EVP_PKEY_CTX **pctx) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    *pctx = EVP_PKEY_CTX_new(key, NULL);
    EVP_PKEY_CTX_set1_id(*pctx, ID, strlen(ID));
    EVP_MD_CTX_set_pkey_ctx(ctx, *pctx);
    return ctx;
}

static void sign(void) {
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx = digest_ctx(&pctx);
    signature_len = sizeof signature;
    need(EVP_DigestSignInit(ctx, NULL, EVP_sm3(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, signature, &signature_len, message, sizeof message - 1) == 1, "sign");
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_CTX_free(pctx);
}

static void verify(void) {
    EVP_PKEY_CTX *pctx;
    EVP_MD_CTX *ctx = digest_ctx(&pctx);
    need(EVP_DigestVerifyInit(ctx, NULL, EVP_sm3(), NULL, key) == 1 &&
         EVP_DigestVerify(ctx, signature, signature_len, message, sizeof message - 1) == 1, "verify");
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_CTX_free(pctx);
}

static void encrypt(void) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    cipher_len = sizeof cipher;
    need(EVP_PKEY_encrypt_init(ctx) == 1 &&
         EVP_PKEY_encrypt(ctx, cipher, &cipher_len, data, 32) == 1, "encrypt");
    EVP_PKEY_CTX_free(ctx);
}

static void decrypt(void) {
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t len = sizeof out;
    need(EVP_PKEY_decrypt_init(ctx) == 1 &&
         EVP_PKEY_decrypt(ctx, out, &len, cipher, cipher_len) == 1 && len == 32, "decrypt");
    EVP_PKEY_CTX_free(ctx);
}

static void sm3(void) {
    need(EVP_Digest(data, sizeof data, out, NULL, EVP_sm3(), NULL) == 1, "sm3");
}

static void sm4_ctr(void) {
    int len;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    need(EVP_EncryptInit_ex(ctx, EVP_sm4_ctr(), NULL, data, data + 16) == 1 &&
         EVP_EncryptUpdate(ctx, out, &len, data, 1 << 16) == 1, "sm4-ctr");
    EVP_CIPHER_CTX_free(ctx);
}

static const struct { const char *name; void (*run)(void); } jobs[] = {
    {"sm2-sign", sign}, {"sm2-verify", verify}, {"sm2-encrypt", encrypt},
    {"sm2-decrypt", decrypt}, {"sm3-1m", sm3}, {"sm4-ctr-64k", sm4_ctr},
};

int main(void) {
    char name[32];
    unsigned long count;
    key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
    need(key != NULL, "key generation");
    sign();
    encrypt();
    while (scanf("%31s %lu", name, &count) == 2) {
        size_t job = 0, all = sizeof jobs / sizeof *jobs;
        while (job < all && strcmp(jobs[job].name, name)) job++;
        if (job == all) {
            puts("-");
        } else {
            struct timespec a, b;
            clock_gettime(CLOCK_MONOTONIC, &a);
            for (unsigned long i = 0; i < count; i++) jobs[job].run();
            clock_gettime(CLOCK_MONOTONIC, &b);
            printf("%lld\n", (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec);
        }
        fflush(stdout);
    }
    return 0;
}
