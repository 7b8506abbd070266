/* tunnel: which ciphers suit this machine. AES-GCM is the fastest where the processor has
 * instructions for AES; where it hasn't, ChaCha20 is several times faster. */
#include "tunnel/cipher.h"

#include <stdbool.h>

#if defined(__aarch64__) || defined(__arm__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define AES_GCM  "aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define CHACHA20 "chacha20-poly1305@openssh.com"
#define AES_CTR  "aes128-ctr,aes192-ctr,aes256-ctr"

static bool has_aes(void) {
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_AES) && (getauxval(AT_HWCAP) & HWCAP_PMULL);
#elif defined(__arm__)
    return (getauxval(AT_HWCAP2) & HWCAP2_AES) && (getauxval(AT_HWCAP2) & HWCAP2_PMULL);
#else
    return false;
#endif
}

const char *sl_cipher_order(void) {
    return has_aes() ? AES_GCM "," CHACHA20 "," AES_CTR : CHACHA20 "," AES_GCM "," AES_CTR;
}
