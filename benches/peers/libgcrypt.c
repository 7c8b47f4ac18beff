/* libgcrypt beside the benches: reads "JOB COUNT" lines, answers each with the nanoseconds that
 * COUNT runs of JOB took, or "-" for a job it does not have. */
#include <gcrypt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static unsigned char data[1 << 20], out[1 << 20];
static gcry_cipher_hd_t gcm;

static void sm3(void) {
    gcry_md_hash_buffer(GCRY_MD_SM3, out, data, sizeof data);
}

static void seal(size_t len) {
    unsigned char tag[16];
    if (gcry_cipher_setiv(gcm, data, 12) || gcry_cipher_encrypt(gcm, out, len, data, len) ||
        gcry_cipher_gettag(gcm, tag, sizeof tag)) {
        fputs("libgcrypt: SM4-GCM failed\n", stderr);
        _Exit(1);
    }
}

static void sm4_gcm_16k(void) { seal(1 << 14); }
static void sm4_gcm_64k(void) { seal(1 << 16); }

static const struct { const char *name; void (*run)(void); } jobs[] = {
    {"sm3-1m", sm3}, {"sm4-gcm-16k", sm4_gcm_16k}, {"sm4-gcm-64k", sm4_gcm_64k},
};

int main(void) {
    char name[32];
    unsigned long count;
    gcry_check_version(NULL);
    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
    if (gcry_cipher_open(&gcm, GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_GCM, 0) ||
        gcry_cipher_setkey(gcm, data, 16)) return 1;
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
