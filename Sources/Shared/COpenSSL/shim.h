// libssl and libcrypto. Macros that Swift does not import, as inline functions; no logic.
#ifndef APUS_COPENSSL_SHIM_H
#define APUS_COPENSSL_SHIM_H
#include <malloc.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static const uint64_t apus_SSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t apus_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t apus_SSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const unsigned long apus_XN_FLAG_RFC2253 = XN_FLAG_RFC2253;
static const long apus_SSL_MODE_RELEASE_BUFFERS = SSL_MODE_RELEASE_BUFFERS;

static inline int apus_SSL_CTX_set_min_proto_version(SSL_CTX *c, int version) {
    return (int)SSL_CTX_set_min_proto_version(c, version);
}
static inline int apus_SSL_CTX_set_max_proto_version(SSL_CTX *c, int version) {
    return (int)SSL_CTX_set_max_proto_version(c, version);
}
static inline long apus_SSL_CTX_set_mode(SSL_CTX *c, long mode) { return SSL_CTX_set_mode(c, mode); }
static inline long apus_SSL_CTX_set_session_cache_mode(SSL_CTX *c, long mode) {
    return SSL_CTX_set_session_cache_mode(c, mode);
}
static inline long apus_SSL_CTX_set_max_cert_list(SSL_CTX *c, long bytes) {
    return SSL_CTX_set_max_cert_list(c, bytes);
}
static inline long apus_SSL_CTX_add1_chain_cert(SSL_CTX *c, X509 *x) { return SSL_CTX_add1_chain_cert(c, x); }
static inline long apus_SSL_set_tlsext_host_name(SSL *s, const char *name) {
    return SSL_set_tlsext_host_name(s, name);
}
static inline int apus_SSL_set_app_data(SSL *s, void *data) { return SSL_set_app_data(s, data); }
static inline void *apus_SSL_get_app_data(const SSL *s) { return SSL_get_app_data(s); }

static inline EVP_PKEY *apus_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline void apus_OPENSSL_free(void *pointer) { OPENSSL_free(pointer); }
static inline long apus_BIO_get_mem_data(BIO *b, char **data) { return BIO_get_mem_data(b, data); }

static inline GENERAL_NAMES *apus_sk_GENERAL_NAME_new_null(void) { return sk_GENERAL_NAME_new_null(); }
static inline int apus_sk_GENERAL_NAME_push(GENERAL_NAMES *names, GENERAL_NAME *name) {
    return sk_GENERAL_NAME_push(names, name);
}
static inline int apus_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *apus_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
static inline STACK_OF(X509) *apus_sk_X509_new_null(void) { return sk_X509_new_null(); }
static inline int apus_sk_X509_push(STACK_OF(X509) *list, X509 *x) { return sk_X509_push(list, x); }
static inline int apus_sk_X509_num(const STACK_OF(X509) *list) { return sk_X509_num(list); }
static inline X509 *apus_sk_X509_value(const STACK_OF(X509) *list, int index) { return sk_X509_value(list, index); }
static inline void apus_sk_X509_free(STACK_OF(X509) *list) { sk_X509_free(list); }
static inline X509_EXTENSIONS *apus_sk_X509_EXTENSION_new_null(void) { return sk_X509_EXTENSION_new_null(); }
static inline int apus_sk_X509_EXTENSION_push(X509_EXTENSIONS *list, X509_EXTENSION *extension) {
    return sk_X509_EXTENSION_push(list, extension);
}
static inline void apus_sk_X509_EXTENSION_pop_free(X509_EXTENSIONS *list) {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
}
#endif
