// Netlink, netfilter and the Linux calls that Swift's Glibc overlay hides. Constants, macros and inline shims; no logic.
#ifndef APUS_CNETLINK_SHIM_H
#define APUS_CNETLINK_SHIM_H
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/netlink.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/veth.h>

// Glibc declares these under _GNU_SOURCE only. Setting it here would make this module's view of the C library differ
// from Swift's, which the compiler refuses. So: system calls by number, and three declarations repeated.
const char *strerrorname_np(int error);
const char *strerrordesc_np(int error);
long syscall(long number, ...);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
static inline int apus_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
static inline int apus_setns(int descriptor, int kind) { return (int)syscall(SYS_setns, descriptor, kind); }
static inline int apus_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static inline int apus_accept4(int socket, int flags) { return (int)syscall(SYS_accept4, socket, NULL, NULL, flags); }

// CLONE_NEWNET and NS_GET_NSTYPE (ioctl _IO(0xb7, 3)): macros that the importer cannot read.
static const int apus_clone_newnet = 0x40000000;
static inline int apus_namespace_type(int descriptor) { return ioctl(descriptor, _IO(0xb7, 0x3)); }

// SO_PEERCRED's struct ucred, which stands behind _GNU_SOURCE.
struct apus_credentials { int process; unsigned int user; unsigned int group; };

// The CMSG macros.
static inline size_t apus_cmsg_space(size_t count) { return CMSG_SPACE(count); }
static inline size_t apus_cmsg_len(size_t count) { return CMSG_LEN(count); }
static inline struct cmsghdr *apus_cmsg_first(struct msghdr *message) { return CMSG_FIRSTHDR(message); }
static inline struct cmsghdr *apus_cmsg_next(struct msghdr *message, struct cmsghdr *header) {
    return CMSG_NXTHDR(message, header);
}
static inline void *apus_cmsg_data(struct cmsghdr *header) { return CMSG_DATA(header); }

// Flags that are enums in Glibc or too new for the headers we build with.
static const int apus_sock_raw = SOCK_RAW;
static const int apus_sock_stream = SOCK_STREAM;
static const int apus_sock_seqpacket = SOCK_SEQPACKET;
static const int apus_sock_cloexec = SOCK_CLOEXEC;
static const int apus_sock_nonblock = SOCK_NONBLOCK;
static const int apus_msg_nosignal = MSG_NOSIGNAL;
static const int apus_msg_cmsg_cloexec = 0x40000000;
static const int apus_msg_trunc = MSG_TRUNC;
static const int apus_msg_ctrunc = MSG_CTRUNC;
static const unsigned int apus_nft_table_owner = 0x2;      // kernel 5.12
static const unsigned int apus_nft_table_persist = 0x4;    // kernel 6.9
static const unsigned int apus_nfta_table_owner = 7;       // kernel 5.12
static inline int apus_raise_descriptor_limit(struct rlimit *limit) { return setrlimit(RLIMIT_NOFILE, limit); }
static inline int apus_descriptor_limit(struct rlimit *limit) { return getrlimit(RLIMIT_NOFILE, limit); }
#endif
