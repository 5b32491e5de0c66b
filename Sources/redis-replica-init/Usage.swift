/// What `--help` and `--version` print.
enum Usage {
    static let version = "redis-replica-init 0.1.0\n"

    static let text = """
        Makes a stock redis.conf fit for a replica (or a master) in a container, and becomes redis-server.

        usage: redis-replica-init [run] [--strict] [--on-empty hold|wait|reseed|start]
                                  [--guard-timeout SECONDS] [CONFIG] [-- REDIS-SERVER-ARGS]
               redis-replica-init render [--show-secrets] [--strict] [CONFIG]
               redis-replica-init check [--format text|json] [--strict] [CONFIG] [-- REDIS-SERVER-ARGS]
               redis-replica-init probe live|role [--timeout TIME] [CONFIG] [-- REDIS-SERVER-ARGS]
               redis-replica-init probe ready [--timeout TIME] [--require-link] [--max-lag-seconds N] [--max-lag-bytes N]

          run       rewrite CONFIG, drop privileges, exec redis-server (the default)
          render    print what would be written, passwords hidden
          check     print every setting with its source, and every problem; exits as a start would
          probe     ask the local server: exit code 0 or 1, and one line with the reason

        CONFIG is REDIS_CONFIG_FILE, else /etc/redis/redis.conf, else nothing. An argument that starts with - and is not
        listed here is passed to redis-server, with all that follows. So is everything after --.

          --strict         warnings stop the start
          --on-empty       policy for a master that would start empty, behind its replicas, or beside another
                           master: hold (default: exit code 75), wait, reseed (restore the data from the freshest
                           replica first, or follow the other master), or start (the replicas lose their data)
          --guard-timeout  seconds to ask a server that does not answer; default 60
          --show-secrets   render shows passwords
          --format         check: text (default) or json
          --timeout        probe: for everything together, 900ms by default; 2s and 2 are two seconds
          --require-link, --max-lag-seconds, --max-lag-bytes
                           probe ready: a replica is not ready with its link down, its master silent for longer, or with
                           more bytes received and not applied
          --socket, --host, --port
                           probe: ask there, not where the configuration says
          --help, --version

        Environment (a secret also as NAME_FILE):
          REDIS_REPLICATION_MODE                 replica (default), slave, master, standalone, failover
          REDIS_MASTER_SERVICE_HOST, _PORT       the master; REDIS_MASTER_HOST, REDIS_MASTER_PORT_NUMBER win over them
          GET_HOSTS_FROM                         dns: the host redis-master; env (default)
          REDIS_MASTER_USER, REDIS_MASTER_PASSWORD, REDIS_PASSWORD, ALLOW_EMPTY_PASSWORD, REDIS_ACLFILE
          POD_IP                                 announced to the master; REDIS_REPLICA_IP, REDIS_REPLICA_PORT win over it
          REDIS_BIND, REDIS_PORT_NUMBER          where to listen; default all interfaces, 6379
          REDIS_TLS_ENABLED, REDIS_TLS_PORT_NUMBER, REDIS_TLS_{CERT,KEY,CA}_FILE, REDIS_TLS_CA_DIR, REDIS_TLS_AUTH_CLIENTS,
          REDIS_TLS_KEY_FILE_PASS, REDIS_TLS_CLIENT_{CERT,KEY}_FILE, REDIS_TLS_CLIENT_KEY_FILE_PASS
          REDIS_SLAVE_NODES_HOST                 servers that a master asks before it starts: a name, or host:port,…;
                                                 default in Kubernetes redis-slave-nodes; port REDIS_SLAVE_SERVICE_PORT
          REDIS_SENTINEL_HOST                    Sentinels to ask who the master is: host[:port],…; their word wins. With
                                                 REDIS_SENTINEL_{PORT_NUMBER,MASTER_NAME,USERNAME,PASSWORD,TLS}
          REDIS_SENTINEL_MIN_REPLICAS_TO_WRITE   min-replicas-to-write; default not set
          REDIS_ON_EMPTY, REDIS_GUARD_TIMEOUT    as --on-empty and --guard-timeout
          REDIS_DATA_DIR                         default: the file's, unless it is a distribution's; then /data
          REDIS_VERSION, VALKEY_VERSION          which directives the server knows
          REDIS_PROBE_USER, REDIS_PROBE_PASSWORD log-in of probe ready and role; default the user default
          REDIS_CONFIG_FILE, REDIS_EXTRA_FLAGS, SKIP_DROP_PRIVS, SKIP_FIX_PERMS

        Exit codes: 1 probe says no, 64 usage, 74 input/output, 75 blocked by the startup guard, 77 permission, 78 configuration, 126 cannot execute, 127 no redis-server.

        """
}
