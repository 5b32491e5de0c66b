// The one door to Debian's OpenSSL 3, the library that redis-server itself is linked with. `OpenSSL` is the only target that
// imports this module.
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros, which Swift cannot call.
static inline int openssl_set_least_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline int openssl_set_greatest_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}
static inline int openssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}
// No closing message needed, and no renegotiation, which a peer could have us do for ever.
static inline void openssl_set_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
}
static inline int openssl_reason(unsigned long code) { return ERR_GET_REASON(code); }

// Without openssl.cnf: it may name modules, which a static program cannot load.
static inline int openssl_prepare(void) { return OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL); }

// What a key file is encrypted with. Without one, OpenSSL would ask at the terminal.
typedef struct { const void *bytes; int count; } openssl_passphrase;
static inline int openssl_give_passphrase(char *buffer, int size, int writing, void *given) {
    const openssl_passphrase *passphrase = (const openssl_passphrase *)given;
    (void)writing;
    if (passphrase == NULL || passphrase->count > size) return 0;
    __builtin_memcpy(buffer, passphrase->bytes, (size_t)passphrase->count);
    return passphrase->count;
}
static inline void openssl_set_passphrase(SSL_CTX *context, openssl_passphrase *passphrase) {
    SSL_CTX_set_default_passwd_cb(context, openssl_give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(context, passphrase);
}

#endif
