// Made by scripts/generate-directive-table from these servers, in the order of the bits, the lowest first:
// - Redis server v=6.0.16
// - Redis server v=6.2.5
// - Redis server v=7.0.15
// - Redis server v=8.0.2
// - Redis server v=8.0.6
// - Redict server v=7.3.6
// - Valkey server v=8.1.1
// - Valkey server v=9.1.2
// Change the script, not this file.

/// What the servers take in a configuration file. DirectiveKind.swift reads the kinds; behind an @ stand, in
/// hexadecimal, the servers that a kind is for, all of them where none stand there.
enum DirectiveTable {
    /// Every directive with its kinds, by name.
    static let directives = """
        acl-pubsub-default e:allchannels|resetchannels@fe
        aclfile s
        acllog-max-len i:0:9223372036854775807
        active-defrag-cycle-max i:1:99
        active-defrag-cycle-min i:1:99
        active-defrag-cycle-us i:0:100000@c0
        active-defrag-ignore-bytes m:1@03 m:1:9223372036854775807@fc
        active-defrag-max-scan-fields i:1:9223372036854775807
        active-defrag-threshold-lower i:0:1000
        active-defrag-threshold-upper i:0:1000
        active-expire-effort i:1:10
        activedefrag b
        activerehashing b
        always-show-logo b
        aof-disable-auto-gc b@fc
        aof-load-truncated b
        aof-rewrite-cpulist s@f8
        aof-rewrite-incremental-fsync b
        aof-timestamp-enabled b@fc
        aof-use-rdb-preamble b
        aof_rewrite_cpulist s
        appenddirname *append@fc
        appendfilename *append
        appendfsync e:everysec|always|no
        appendonly b
        auto-aof-rewrite-min-size m@03 m:0:9223372036854775807@fc
        auto-aof-rewrite-percentage i:0:2147483647
        availability-zone s@c0
        bgsave-cpulist s@f8
        bgsave_cpulist s
        bind *bind
        bind-source-addr s@fc
        bio-cpulist s@f8
        bio_cpulist s
        busy-reply-threshold i:0:9223372036854775807@fc
        client-output-buffer-limit *limit
        client-query-buffer-limit s@01 m:1048576@02 m:1048576:9223372036854775807@fc
        cluster-allow-pubsubshard-when-down b@fc
        cluster-allow-reads-when-down b
        cluster-allow-replica-migration b@fe
        cluster-announce-bus-port i:0:65535
        cluster-announce-client-ipv4 *ipv4@c0
        cluster-announce-client-ipv6 *ipv6@c0
        cluster-announce-client-port i:0:65535@80
        cluster-announce-client-tls-port i:0:65535@80
        cluster-announce-hostname *hostname@fc
        cluster-announce-human-nodename *nodename@f8
        cluster-announce-ip s@7f l@80
        cluster-announce-port i:0:65535
        cluster-announce-tls-port i:0:65535@fe
        cluster-blacklist-ttl i@c0
        cluster-compatibility-sample-ratio i:0:100@18
        cluster-config-file s
        cluster-config-save-behavior e:sync|best-effort@80
        cluster-databases i:1:2147483647@80
        cluster-enabled b
        cluster-link-sendbuf-limit m@fc
        cluster-manual-failover-timeout i:1:2147483647@c0
        cluster-message-gossip-perc i:1:100@80
        cluster-migration-barrier i:0:2147483647
        cluster-node-timeout i:0:9223372036854775807
        cluster-ping-interval i:0:9223372036854775807@f8
        cluster-port i:0:65535@fc
        cluster-preferred-endpoint-type e:ip|hostname|unknown-endpoint@fc
        cluster-replica-no-failover b
        cluster-replica-validity-factor i:0:2147483647
        cluster-require-full-coverage b
        cluster-slave-no-failover b
        cluster-slave-validity-factor i:0:2147483647
        cluster-slot-migration-log-max-len i:0:9223372036854775807@80
        cluster-slot-stats-enabled b@c0
        commandlog-execution-slower-than i:-1:9223372036854775807@c0
        commandlog-large-reply-max-len i:0:9223372036854775807@c0
        commandlog-large-request-max-len i:0:9223372036854775807@c0
        commandlog-reply-larger-than i:-1:9223372036854775807@c0
        commandlog-request-larger-than i:-1:9223372036854775807@c0
        commandlog-slow-execution-max-len i:0:9223372036854775807@c0
        crash-log-enabled b@fe
        crash-memcheck-enabled b@fe
        daemonize b
        databases i:1:2147483647
        dbfilename *dump
        debug-context s@c0
        dir s
        disable-thp b@fe
        dual-channel-replication-enabled b@c0
        dynamic-hz b@3f s@c0
        enable-debug-assert b@c0
        enable-debug-command e:no|yes|local@fc
        enable-module-command e:no|yes|local@fc
        enable-protected-configs e:no|yes|local@fc
        events-per-io-thread i:0:2147483647@40 s@80
        extended-redis-compatibility b@c0
        gopher-enabled b@03
        hash-max-listpack-entries i:0:9223372036854775807@fc
        hash-max-listpack-value m:0:9223372036854775807@fc
        hash-max-ziplist-entries i:0:9223372036854775807
        hash-max-ziplist-value m@03 m:0:9223372036854775807@fc
        hash-seed l@80
        hide-user-data-from-log b@d8
        hll-sparse-max-bytes m@03 m:0:9223372036854775807@fc
        hz i:0:2147483647
        ignore-warnings s
        import-mode b@c0
        include *path
        io-threads i:1:128@3f i:1:256@c0
        io-threads-always-active b@80
        io-threads-do-reads b@27 s@d8
        jemalloc-bg-thread b
        key-load-delay i:0:2147483647@01 i:-2147483648:2147483647@fe
        latency-monitor-threshold i:0:9223372036854775807
        latency-tracking b@fc
        latency-tracking-info-percentiles *percentiles@fc
        lazyfree-lazy-eviction b
        lazyfree-lazy-expire b
        lazyfree-lazy-server-del b
        lazyfree-lazy-user-del b
        lazyfree-lazy-user-flush b@fe
        lfu-decay-time i:0:2147483647
        lfu-log-factor i:0:2147483647
        list-compress-depth i:0:2147483647
        list-max-listpack-size i:-2147483648:2147483647@fc
        list-max-ziplist-entries s
        list-max-ziplist-size i:-2147483648:2147483647
        list-max-ziplist-value s
        loading-process-events-interval-bytes i:1024:2147483647@fc
        loadmodule *module
        locale-collate s@f8
        log-format e:legacy|logfmt@40 e:legacy|logfmt|json@80
        log-timestamp-format e:legacy|iso8601|milliseconds@c0
        logfile s
        loglevel e:debug|verbose|notice|warning@07 e:debug|verbose|notice|warning|nothing@f8
        lua-enable-deprecated-api b@fc
        lua-enable-insecure-api b@e0
        lua-replicate-commands b@03 s@fc
        lua-time-limit i:0:9223372036854775807
        masterauth s
        masteruser s
        max-new-connections-per-cycle i:1:1000@f8
        max-new-tls-connections-per-cycle i:1:1000@f8
        maxclients i:1:4294967295
        maxmemory m
        maxmemory-clients p@fc
        maxmemory-eviction-tenacity i:0:100@fe
        maxmemory-policy e:volatile-lru|volatile-lfu|volatile-random|volatile-ttl|allkeys-lru|allkeys-lfu|allkeys-random|noeviction
        maxmemory-samples i:1:2147483647@07 i:1:64@f8
        min-io-threads-avoid-copy-reply i:0:2147483647@80
        min-replicas-max-lag i:0:2147483647
        min-replicas-to-write i:0:2147483647
        min-slaves-max-lag i:0:2147483647
        min-slaves-to-write i:0:2147483647
        min-string-size-avoid-copy-reply i:0:2147483647@80
        min-string-size-avoid-copy-reply-threaded i:0:2147483647@80
        mptcp b@80
        no-appendfsync-on-rewrite b
        notify-keyspace-events *events
        oom-score-adj e:no|yes|relative|absolute
        oom-score-adj-values *scores
        pidfile s
        port i:0:65535
        prefetch-batch-max-size i:0:128@c0
        primaryauth s@c0
        primaryuser s@c0
        proc-title-template *title@fe
        propagation-error-behavior e:ignore|panic|panic-on-replicas@fc
        protected-mode b
        proto-max-bulk-len m:1048576@03 m:1048576:9223372036854775807@fc
        rdb-del-sync-files b
        rdb-key-save-delay i:0:2147483647@01 i:-2147483648:2147483647@fe
        rdb-save-incremental-fsync b
        rdb-version-check e:strict|relaxed@c0
        rdbchecksum b
        rdbcompression b
        rdma-bind n:0:99@c0
        rdma-completion-vector i:-1:1024@c0
        rdma-port i:0:65535@c0
        rdma-rx-size i:65536:16777216@c0
        rename-command *rename
        repl-backlog-size m:1@03 m:1:9223372036854775807@fc
        repl-backlog-ttl i:0:9223372036854775807
        repl-disable-tcp-nodelay b
        repl-diskless-load e:disabled|on-empty-db|swapdb@3f e:disabled|on-empty-db|swapdb|flush-before-load@c0
        repl-diskless-sync b
        repl-diskless-sync-delay i:0:2147483647
        repl-diskless-sync-max-replicas i:0:2147483647@fc
        repl-mptcp b@80
        repl-ping-replica-period i:1:2147483647
        repl-ping-slave-period i:1:2147483647
        repl-rdb-channel b@18
        repl-timeout i:1:2147483647
        replica-announce-ip s
        replica-announce-port i:0:65535
        replica-announced b@fe
        replica-full-sync-buffer-limit m:0:9223372036854775807@18
        replica-ignore-disk-write-errors b@fc
        replica-ignore-maxmemory b
        replica-lazy-flush b
        replica-priority i:0:2147483647
        replica-read-only b
        replica-serve-stale-data b
        replicaof *master
        requirepass l@01 s@fe
        sanitize-dump-payload e:no|yes|clients@7e s@80
        save *save
        sentinel *sentinel
        server-cpulist s@f8
        server_cpulist s
        set-max-intset-entries i:0:9223372036854775807
        set-max-listpack-entries i:0:9223372036854775807@f8
        set-max-listpack-value i:0:9223372036854775807@f8
        set-proc-title b@fe
        shutdown-on-sigint *signals@fc
        shutdown-on-sigterm *signals@fc
        shutdown-timeout i:0:2147483647@fc
        slave-announce-ip s
        slave-announce-port i:0:65535
        slave-ignore-maxmemory b
        slave-lazy-flush b
        slave-priority i:0:2147483647
        slave-read-only b
        slave-serve-stale-data b
        slaveof *master
        slot-migration-max-failover-repl-bytes m@80
        slowlog-log-slower-than i:-1:9223372036854775807
        slowlog-max-len i:0:9223372036854775807
        socket-mark-id i:0:4294967295@fc
        stop-writes-on-bgsave-error b
        stream-node-max-bytes m@03 m:0:9223372036854775807@fc
        stream-node-max-entries i:0:9223372036854775807
        supervised e:upstart|systemd|auto|no
        syslog-enabled b
        syslog-facility e:user|local0|local1|local2|local3|local4|local5|local6|local7
        syslog-ident s
        tcp-backlog i:0:2147483647
        tcp-keepalive i:0:2147483647
        timeout i:0:2147483647
        tls-auth-clients e:no|yes|optional
        tls-auth-clients-user e:CN|URI|off@80
        tls-auto-reload-interval i:0:2147483647@80
        tls-ca-cert-dir s
        tls-ca-cert-file s
        tls-cert-file s
        tls-ciphers s
        tls-ciphersuites s
        tls-client-cert-file s@fe
        tls-client-key-file s@fe
        tls-client-key-file-pass s@fe
        tls-cluster b
        tls-dh-params-file s
        tls-key-file s
        tls-key-file-pass s@fe
        tls-port i:0:65535
        tls-prefer-server-ciphers b
        tls-protocols s
        tls-replication b
        tls-session-cache-size i:0:2147483647
        tls-session-cache-timeout i:0:2147483647
        tls-session-caching b
        tracking-table-max-keys i:0:9223372036854775807
        unixsocket s
        unixsocketgroup s@c0
        unixsocketperm o:511
        use-exit-on-panic b@fe
        user *user
        watchdog-period i:0:2147483647@fc
        zset-max-listpack-entries i:0:9223372036854775807@fc
        zset-max-listpack-value m:0:9223372036854775807@fc
        zset-max-ziplist-entries i:0:9223372036854775807
        zset-max-ziplist-value m@03 m:0:9223372036854775807@fc
        """

    /// Every command with the servers that have it.
    static let commands = """
        acl ff
        append ff
        asking ff
        auth ff
        bgrewriteaof ff
        bgsave ff
        bitcount ff
        bitfield ff
        bitfield_ro ff
        bitop ff
        bitpos ff
        blmove fe
        blmpop fc
        blpop ff
        brpop ff
        brpoplpush ff
        bzmpop fc
        bzpopmax ff
        bzpopmin ff
        client ff
        cluster ff
        clusterscan 80
        command ff
        commandlog c0
        config ff
        copy fe
        dbsize ff
        debug ff
        decr ff
        decrby ff
        del ff
        delifeq 80
        discard ff
        dump ff
        echo ff
        eval ff
        eval_ro fc
        evalsha ff
        evalsha_ro fc
        exec ff
        exists ff
        expire ff
        expireat ff
        expiretime fc
        failover fe
        fcall fc
        fcall_ro fc
        flushall ff
        flushdb ff
        function fc
        geoadd ff
        geodist ff
        geohash ff
        geopos ff
        georadius ff
        georadius_ro ff
        georadiusbymember ff
        georadiusbymember_ro ff
        geosearch fe
        geosearchstore fe
        get ff
        getbit ff
        getdel fe
        getex fe
        getrange ff
        getset ff
        hdel ff
        hello ff
        hexists ff
        hexpire 98
        hexpireat 98
        hexpiretime 98
        hget ff
        hgetall ff
        hgetdel 98
        hgetex 98
        hincrby ff
        hincrbyfloat ff
        hkeys ff
        hlen ff
        hmget ff
        hmset ff
        host: 03
        hpersist 98
        hpexpire 98
        hpexpireat 98
        hpexpiretime 98
        hpttl 98
        hrandfield fe
        hscan ff
        hset ff
        hsetex 98
        hsetnx ff
        hstrlen ff
        httl 98
        hvals ff
        incr ff
        incrby ff
        incrbyfloat ff
        info ff
        keys ff
        lastsave ff
        latency ff
        lcs fc
        lindex ff
        linsert ff
        llen ff
        lmove fe
        lmpop fc
        lolwut ff
        lpop ff
        lpos ff
        lpush ff
        lpushx ff
        lrange ff
        lrem ff
        lset ff
        ltrim ff
        memory ff
        mget ff
        migrate ff
        module ff
        monitor ff
        move ff
        mset ff
        msetex 80
        msetnx ff
        multi ff
        object ff
        persist ff
        pexpire ff
        pexpireat ff
        pexpiretime fc
        pfadd ff
        pfcount ff
        pfdebug ff
        pfmerge ff
        pfselftest ff
        ping ff
        post 03
        psetex ff
        psubscribe ff
        psync ff
        pttl ff
        publish ff
        pubsub ff
        punsubscribe ff
        quit fc
        randomkey ff
        readonly ff
        readwrite ff
        rename ff
        renamenx ff
        replconf ff
        replicaof ff
        reset fe
        restore ff
        restore-asking ff
        role ff
        rpop ff
        rpoplpush ff
        rpush ff
        rpushx ff
        sadd ff
        save ff
        scan ff
        scard ff
        script ff
        sdiff ff
        sdiffstore ff
        select ff
        set ff
        setbit ff
        setex ff
        setnx ff
        setrange ff
        shutdown ff
        sinter ff
        sintercard fc
        sinterstore ff
        sismember ff
        slaveof ff
        slowlog ff
        smembers ff
        smismember fe
        smove ff
        sort ff
        sort_ro fc
        spop ff
        spublish fc
        srandmember ff
        srem ff
        sscan ff
        ssubscribe fc
        stralgo 03
        strlen ff
        subscribe ff
        substr ff
        sunion ff
        sunionstore ff
        sunsubscribe fc
        swapdb ff
        sync ff
        time ff
        touch ff
        ttl ff
        type ff
        unlink ff
        unsubscribe ff
        unwatch ff
        vadd 18
        vcard 18
        vdim 18
        vemb 18
        vgetattr 18
        vinfo 18
        vismember 18
        vlinks 18
        vrandmember 18
        vrem 18
        vsetattr 18
        vsim 18
        wait ff
        waitaof f8
        watch ff
        xack ff
        xadd ff
        xautoclaim fe
        xclaim ff
        xdel ff
        xgroup ff
        xinfo ff
        xlen ff
        xpending ff
        xrange ff
        xread ff
        xreadgroup ff
        xrevrange ff
        xsetid ff
        xtrim ff
        zadd ff
        zcard ff
        zcount ff
        zdiff fe
        zdiffstore fe
        zincrby ff
        zinter fe
        zintercard fc
        zinterstore ff
        zlexcount ff
        zmpop fc
        zmscore fe
        zpopmax ff
        zpopmin ff
        zrandmember fe
        zrange ff
        zrangebylex ff
        zrangebyscore ff
        zrangestore fe
        zrank ff
        zrem ff
        zremrangebylex ff
        zremrangebyrank ff
        zremrangebyscore ff
        zrevrange ff
        zrevrangebylex ff
        zrevrangebyscore ff
        zrevrank ff
        zscan ff
        zscore ff
        zunion fe
        zunionstore ff
        """

    /// Every subcommand with the servers that know it; before 7.0 none is.
    static let subcommands = """
        acl|cat fc
        acl|deluser fc
        acl|dryrun fc
        acl|genpass fc
        acl|getuser fc
        acl|help fc
        acl|list fc
        acl|load fc
        acl|log fc
        acl|save fc
        acl|setuser fc
        acl|users fc
        acl|whoami fc
        client|caching fc
        client|capa c0
        client|getname fc
        client|getredir fc
        client|help fc
        client|id fc
        client|import-source c0
        client|info fc
        client|kill fc
        client|list fc
        client|no-evict fc
        client|no-touch f8
        client|pause fc
        client|reply fc
        client|setinfo f8
        client|setname fc
        client|tracking fc
        client|trackinginfo fc
        client|unblock fc
        client|unpause fc
        cluster|addslots fc
        cluster|addslotsrange fc
        cluster|bumpepoch fc
        cluster|cancelslotmigrations 80
        cluster|count-failure-reports fc
        cluster|countkeysinslot fc
        cluster|delslots fc
        cluster|delslotsrange fc
        cluster|failover fc
        cluster|flushslot 80
        cluster|flushslots fc
        cluster|forget fc
        cluster|getkeysinslot fc
        cluster|getslotmigrations 80
        cluster|help fc
        cluster|info fc
        cluster|keyslot fc
        cluster|links fc
        cluster|meet fc
        cluster|migrateslots 80
        cluster|myid fc
        cluster|myshardid f8
        cluster|nodes fc
        cluster|replicas fc
        cluster|replicate fc
        cluster|reset fc
        cluster|saveconfig fc
        cluster|set-config-epoch fc
        cluster|setslot fc
        cluster|shards fc
        cluster|slaves fc
        cluster|slot-stats c0
        cluster|slots fc
        cluster|syncslots 80
        commandlog|get c0
        commandlog|help c0
        commandlog|len c0
        commandlog|reset c0
        command|count fc
        command|docs fc
        command|getkeys fc
        command|getkeysandflags fc
        command|help fc
        command|info fc
        command|list fc
        config|get fc
        config|help fc
        config|resetstat fc
        config|rewrite fc
        config|set fc
        function|delete fc
        function|dump fc
        function|flush fc
        function|help fc
        function|kill fc
        function|list fc
        function|load fc
        function|restore fc
        function|stats fc
        latency|doctor fc
        latency|graph fc
        latency|help fc
        latency|histogram fc
        latency|history fc
        latency|latest fc
        latency|reset fc
        memory|doctor fc
        memory|help fc
        memory|malloc-stats fc
        memory|purge fc
        memory|stats fc
        memory|usage fc
        module|help fc
        module|list fc
        module|load fc
        module|loadex fc
        module|unload fc
        object|encoding fc
        object|freq fc
        object|help fc
        object|idletime fc
        object|refcount fc
        pubsub|channels fc
        pubsub|help fc
        pubsub|numpat fc
        pubsub|numsub fc
        pubsub|shardchannels fc
        pubsub|shardnumsub fc
        script|debug fc
        script|exists fc
        script|flush fc
        script|help fc
        script|kill fc
        script|load fc
        script|show c0
        slowlog|get fc
        slowlog|help fc
        slowlog|len fc
        slowlog|reset fc
        xgroup|create fc
        xgroup|createconsumer fc
        xgroup|delconsumer fc
        xgroup|destroy fc
        xgroup|help fc
        xgroup|setid fc
        xinfo|consumers fc
        xinfo|groups fc
        xinfo|help fc
        xinfo|stream fc
        """

    /// Every category of commands.
    static let categories = """
        admin ff
        bitmap ff
        blocking ff
        connection ff
        dangerous ff
        fast ff
        geo ff
        hash ff
        hyperloglog ff
        keyspace ff
        list ff
        pubsub ff
        read ff
        scripting ff
        set ff
        slow ff
        sortedset ff
        stream ff
        string ff
        transaction ff
        write ff
        """

    /// Each category of Redis 6.0 with its commands, on as many lines as they need.
    static let categories60 = """
        admin acl bgrewriteaof bgsave client cluster config debug lastsave latency module monitor pfdebug
        admin pfselftest psync replconf replicaof save shutdown slaveof slowlog sync
        bitmap bitcount bitfield bitfield_ro bitop bitpos getbit setbit
        blocking blpop brpop brpoplpush bzpopmax bzpopmin xread xreadgroup
        connection auth client command echo hello ping
        dangerous acl bgrewriteaof bgsave client cluster config debug flushall flushdb info keys lastsave latency
        dangerous migrate module monitor pfdebug pfselftest psync replconf replicaof restore restore-asking role
        dangerous save shutdown slaveof slowlog sort swapdb sync
        fast append asking auth bitfield_ro bzpopmax bzpopmin dbsize decr decrby discard echo exists expire
        fast expireat get getbit getset hdel hello hexists hget hincrby hincrbyfloat hlen hmget hmset hset
        fast hsetnx hstrlen incr incrby incrbyfloat lastsave llen lolwut lpop lpush lpushx mget move multi
        fast persist pexpire pexpireat pfadd ping pttl publish readonly readwrite renamenx role rpop rpush
        fast rpushx sadd scard select setnx sismember smove spop srem strlen swapdb time touch ttl type
        fast unlink unwatch watch xack xadd xclaim xdel xlen xsetid zadd zcard zcount zincrby zlexcount
        fast zpopmax zpopmin zrank zrem zrevrank zscore
        geo geoadd geodist geohash geopos georadius georadius_ro georadiusbymember georadiusbymember_ro
        hash hdel hexists hget hgetall hincrby hincrbyfloat hkeys hlen hmget hmset hscan hset hsetnx hstrlen
        hash hvals
        hyperloglog pfadd pfcount pfmerge pfselftest
        keyspace asking dbsize del dump exists expire expireat flushall flushdb keys migrate move object persist
        keyspace pexpire pexpireat pttl randomkey readonly readwrite rename renamenx restore restore-asking scan
        keyspace select swapdb touch ttl type unlink wait
        list blpop brpop brpoplpush lindex linsert llen lpop lpos lpush lpushx lrange lrem lset ltrim rpop
        list rpoplpush rpush rpushx sort
        pubsub psubscribe publish pubsub punsubscribe subscribe unsubscribe
        read bitcount bitfield_ro bitpos dbsize dump echo exists geodist geohash geopos georadius_ro
        read georadiusbymember_ro get getbit getrange hexists hget hgetall hkeys hlen hmget host: hscan
        read hstrlen hvals keys lastsave lindex llen lolwut lpos lrange memory mget object pfcount post pttl
        read randomkey role scan scard sdiff sinter sismember smembers srandmember sscan stralgo strlen
        read substr sunion time touch ttl type xinfo xlen xpending xrange xread xrevrange zcard zcount
        read zlexcount zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore
        read zrevrank zscan zscore
        scripting eval evalsha script
        set sadd scard sdiff sdiffstore sinter sinterstore sismember smembers smove sort spop srandmember
        set srem sscan sunion sunionstore
        slow acl bgrewriteaof bgsave bitcount bitfield bitop bitpos blpop brpop brpoplpush client cluster
        slow command config debug del dump eval evalsha exec flushall flushdb geoadd geodist geohash geopos
        slow georadius georadius_ro georadiusbymember georadiusbymember_ro getrange hgetall hkeys host: hscan
        slow hvals info keys latency lindex linsert lpos lrange lrem lset ltrim memory migrate module monitor
        slow mset msetnx object pfcount pfdebug pfmerge pfselftest post psetex psubscribe psync pubsub
        slow punsubscribe randomkey rename replconf replicaof restore restore-asking rpoplpush save scan
        slow script sdiff sdiffstore set setbit setex setrange shutdown sinter sinterstore slaveof slowlog
        slow smembers sort srandmember sscan stralgo subscribe substr sunion sunionstore sync unsubscribe
        slow wait xgroup xinfo xpending xrange xread xreadgroup xrevrange xtrim zinterstore zrange
        slow zrangebylex zrangebyscore zremrangebylex zremrangebyrank zremrangebyscore zrevrange
        slow zrevrangebylex zrevrangebyscore zscan zunionstore
        sortedset bzpopmax bzpopmin sort zadd zcard zcount zincrby zinterstore zlexcount zpopmax zpopmin zrange
        sortedset zrangebylex zrangebyscore zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange
        sortedset zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunionstore
        stream xack xadd xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup xrevrange xsetid xtrim
        string append decr decrby get getrange getset incr incrby incrbyfloat mget mset msetnx psetex set setex
        string setnx setrange stralgo strlen substr
        transaction discard exec multi unwatch watch
        write append bitfield bitop blpop brpop brpoplpush bzpopmax bzpopmin decr decrby del expire expireat
        write flushall flushdb geoadd georadius georadiusbymember getset hdel hincrby hincrbyfloat hmset hset
        write hsetnx incr incrby incrbyfloat linsert lpop lpush lpushx lrem lset ltrim migrate move mset
        write msetnx persist pexpire pexpireat pfadd pfdebug pfmerge psetex rename renamenx restore
        write restore-asking rpop rpoplpush rpush rpushx sadd sdiffstore set setbit setex setnx setrange
        write sinterstore smove sort spop srem sunionstore swapdb unlink xack xadd xclaim xdel xgroup
        write xreadgroup xsetid xtrim zadd zincrby zinterstore zpopmax zpopmin zrem zremrangebylex
        write zremrangebyrank zremrangebyscore zunionstore
        """

    /// Directives of old servers that none of these knows.
    static let removed = [
        "glueoutputbuf",
        "shareobjects",
        "shareobjectspoolsize",
        "vm-enabled",
        "vm-swap-file",
        "vm-max-memory",
        "vm-page-size",
        "vm-pages",
        "vm-max-threads",
        "hash-max-zipmap-entries",
        "hash-max-zipmap-value",
        "slave-diskless-load",
        "dump-payload-sanitize",
    ]
}
