// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: warnings are errors, and the language's stricter futures are on.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Targets in which pointers live.
let memorySafe: [SwiftSetting] = strict + [.strictMemorySafety()]

/// Release executables are one static file: no libc, shell or loader is needed in the image.
func staticExecutable(foundationEssentials: Bool) -> [LinkerSetting] {
    let release = BuildSettingCondition.when(platforms: [.linux], configuration: .release)
    // Benchmarks/data-path/allocations counts by the names of functions.
    let strip = Context.environment["KEEP_SYMBOLS"] == nil ? "-s" : "-S"
    var settings: [LinkerSetting] = [
        .unsafeFlags(["-static-executable", "-Xlinker", "--gc-sections", "-Xlinker", strip], release)
    ]
    if foundationEssentials {
        // ArgumentParser brings FoundationEssentials in; the static link has to be told these two by name.
        settings += [
            .linkedLibrary("_FoundationCollections", release),
            .linkedLibrary("_FoundationCShims", release),
        ]
    }
    return settings
}

/// What targets take from other packages, a name each.
extension Target.Dependency {
    static var argumentParser: Self { .product(name: "ArgumentParser", package: "swift-argument-parser") }
    static var asyncHTTPClient: Self { .product(name: "AsyncHTTPClient", package: "async-http-client") }
    static var configuration: Self { .product(name: "Configuration", package: "swift-configuration") }
    static var logging: Self { .product(name: "Logging", package: "swift-log") }
    static var nioCore: Self { .product(name: "NIOCore", package: "swift-nio") }
    static var nioEmbedded: Self { .product(name: "NIOEmbedded", package: "swift-nio") }
    static var nioHTTP1: Self { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var nioPosix: Self { .product(name: "NIOPosix", package: "swift-nio") }
    static var nioSSL: Self { .product(name: "NIOSSL", package: "swift-nio-ssl") }
    static var nioTLS: Self { .product(name: "NIOTLS", package: "swift-nio") }
    static var subprocess: Self { .product(name: "Subprocess", package: "swift-subprocess") }
    static var systemPackage: Self { .product(name: "SystemPackage", package: "swift-system") }
    static var unixSignals: Self { .product(name: "UnixSignals", package: "swift-service-lifecycle") }
}

let package = Package(
    name: "redis-replica-kit",
    products: [
        .executable(name: "redis-replica-init", targets: ["redis-replica-init"]),
        .executable(name: "redis-replica-sidecar", targets: ["redis-replica-sidecar"]),
        .executable(name: "KVApp", targets: ["KVApp"]),
        .executable(name: "kv-local", targets: ["kv-local"]),
    ],
    // Exactly these, and what they bring: scripts/dependency-versions.txt. CONTRIBUTING.md says why.
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        // Pure: values in, values out.
        .target(name: "RedisConf", swiftSettings: memorySafe),
        .target(name: "RedisCore", swiftSettings: memorySafe),
        .target(name: "ServerSelection", dependencies: ["RedisCore"], swiftSettings: memorySafe),
        .target(name: "Failover", swiftSettings: memorySafe),
        .target(name: "HTTPWire", swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "ReplicaPlanning", dependencies: ["RedisConf", "RedisCore"], swiftSettings: memorySafe),
        .target(name: "RDBFile", dependencies: ["ReplicaPlanning"], swiftSettings: memorySafe),
        .target(name: "ReplicaReconciler", dependencies: ["RedisCore"], swiftSettings: memorySafe),
        .target(name: "Settings", dependencies: ["RedisCore"], swiftSettings: memorySafe),

        // C.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(
            name: "Hiredis", dependencies: ["CHiredis"],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "OpenSSL", dependencies: ["COpenSSL"], swiftSettings: memorySafe),

        // What long-running programs have in common.
        .target(name: "SystemFiles", swiftSettings: memorySafe),
        .target(name: "Telemetry", dependencies: ["SystemFiles", .nioCore, .logging], swiftSettings: memorySafe),
        .target(name: "ProgramStart", dependencies: [.argumentParser], swiftSettings: memorySafe),
        .target(
            name: "ServiceProgram",
            dependencies: ["Settings", "SystemFiles", "Telemetry", .argumentParser, .configuration, .unixSignals],
            swiftSettings: memorySafe),

        .target(name: "Listening", dependencies: [.nioCore, .logging], swiftSettings: memorySafe),

        // The HTTP ↔ Redis path.
        .target(
            name: "RedisClient",
            dependencies: [
                "Hiredis", "RedisCore", "ServerSelection", "Telemetry", .nioCore, .nioPosix, .nioTLS, .nioSSL,
                .logging,
            ],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "ServiceDocuments", resources: [.embedInCode("openapi.json")], swiftSettings: strict),
        .target(name: "LivePage", resources: [.embedInCode("index.html")], swiftSettings: strict),
        .target(
            name: "KeyValueService",
            dependencies: [
                "CLinux", "HTTPWire", "Listening", "LivePage", "RedisClient", "RedisCore", "ServerSelection",
                "ServiceDocuments", "Settings", "Telemetry", .nioCore, .nioPosix, .logging,
            ],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),

        // The sidecar: what it sees and does; what it decides is above, in ReplicaReconciler.
        .target(
            name: "ReplicaAgent",
            dependencies: [
                "HTTPWire", "Listening", "RedisClient", "RedisConf", "ReplicaPlanning", "ReplicaReconciler",
                "RedisCore", "SystemFiles", "Telemetry", .nioCore, .nioPosix, .nioHTTP1, .logging,
            ],
            swiftSettings: memorySafe),

        // The lease of fail-over: who leads, in a store that all nodes reach.
        .target(
            name: "LeaseStore",
            dependencies: [
                "Failover", "RedisCore", "SystemFiles", .asyncHTTPClient, .nioCore, .nioPosix, .nioHTTP1, .nioSSL,
            ],
            swiftSettings: memorySafe),

        // A redis-server as a child process: started, watched, fenced, ended in order.
        .target(
            name: "Supervision",
            dependencies: ["CLinux", .nioCore, .nioPosix, .logging],
            swiftSettings: memorySafe),

        // The loop that drives fail-over; what it decides is above, in Failover.
        .target(
            name: "FailoverAgent",
            dependencies: [
                "Failover", "LeaseStore", "RedisClient", "RedisCore", "ReplicaAgent", "ReplicaReconciler",
                "SystemFiles", "Telemetry", .nioCore, .nioHTTP1, .logging,
            ],
            swiftSettings: memorySafe),

        // What a former leader had: its rollback files, beside the data of now.
        .target(
            name: "Rollback",
            dependencies: ["RDBFile", "RedisClient", "RedisCore", "ReplicaAgent", "Telemetry", .nioCore, .nioPosix],
            swiftSettings: memorySafe),

        // Real processes on loopback, for people and for tests.
        .target(
            name: "LocalTopology",
            dependencies: ["CLinux", "Hiredis", "RedisCore", .subprocess, .systemPackage],
            swiftSettings: strict),

        // Programs: thin, and imported by nobody.
        .executableTarget(
            name: "redis-replica-init",
            dependencies: ["ReplicaPlanning", "RedisConf", "CLinux", "Hiredis", "OpenSSL", "RedisCore"],
            swiftSettings: memorySafe, linkerSettings: staticExecutable(foundationEssentials: false)),
        .executableTarget(
            name: "KVApp",
            dependencies: [
                "CLinux", "KeyValueService", "ProgramStart", "RedisClient", "ServiceProgram", "Settings",
                "SystemFiles", "Telemetry", .argumentParser, .unixSignals, .nioCore, .nioPosix, .logging,
            ],
            swiftSettings: strict, linkerSettings: staticExecutable(foundationEssentials: true)),
        .executableTarget(
            name: "redis-replica-sidecar",
            dependencies: [
                "CLinux", "ProgramStart", "RedisClient", "RedisCore", "ReplicaPlanning", "ReplicaReconciler",
                "Rollback",
                "ServiceProgram", "Settings", "Failover", "FailoverAgent", "HTTPWire", "LeaseStore", "ReplicaAgent",
                "Supervision", "Telemetry", .argumentParser, .nioCore, .nioPosix, .logging,
            ],
            swiftSettings: memorySafe, linkerSettings: staticExecutable(foundationEssentials: true)),
        .executableTarget(
            name: "kv-local",
            dependencies: ["LocalTopology", "ProgramStart", .argumentParser, .unixSignals, .systemPackage],
            swiftSettings: strict, linkerSettings: staticExecutable(foundationEssentials: true)),

        // Random numbers that a seed brings back, for tests and for the fuzzer.
        .target(name: "SeededRandomness", path: "Tests/Support/SeededRandomness", swiftSettings: strict),

        // Whether what clients saw of one key is what one key can do.
        .target(name: "RegisterHistory", path: "Tests/Support/RegisterHistory", swiftSettings: strict),
        .testTarget(
            name: "RegisterHistoryTests", dependencies: ["RegisterHistory", "SeededRandomness"], swiftSettings: strict),
        // Nodes, a lease store and a network in one process, from a seed, for the rules of fail-over: `make simulate`.
        .target(
            name: "FailoverSimulation", dependencies: ["Failover", "SeededRandomness"],
            path: "Tests/Support/FailoverSimulation", swiftSettings: strict),
        .executableTarget(
            name: "simulate-failover", dependencies: ["FailoverSimulation"], path: "Tests/Support/simulate-failover",
            swiftSettings: strict),
        .testTarget(
            name: "FailoverTests", dependencies: ["Failover", "FailoverSimulation", "SeededRandomness"],
            swiftSettings: strict),
        .testTarget(
            name: "LeaseStoreTests", dependencies: ["Failover", "LeaseStore", "SeededRandomness"],
            swiftSettings: strict),

        // Tests never depend on an executable (its linker flags would reach the test bundle); the programs are built
        // beside the bundle and found there.
        .testTarget(name: "RedisConfTests", dependencies: ["RedisConf", "SeededRandomness"], swiftSettings: strict),
        .testTarget(
            name: "RedisCoreTests",
            dependencies: ["RedisCore", "SeededRandomness", "ServerSelection"],
            swiftSettings: strict),
        .testTarget(
            name: "ReplicaPlanningTests", dependencies: ["ReplicaPlanning", "RedisConf", "RedisCore"],
            swiftSettings: strict),
        .testTarget(
            name: "RDBFileTests", dependencies: ["RDBFile", "ReplicaPlanning"], exclude: ["Recorded"],
            swiftSettings: strict),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: strict),
        .testTarget(
            name: "ReplicaReconcilerTests", dependencies: ["ReplicaReconciler", "RedisCore"], swiftSettings: strict),
        .testTarget(name: "SupervisionTests", dependencies: ["Supervision"], swiftSettings: strict),
        .testTarget(
            name: "ReplicaAgentTests",
            dependencies: [
                "LocalTopology", "ReplicaPlanning", "ReplicaReconciler", "ReplicaAgent", .logging, .nioCore,
                .nioPosix,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: [
                "Telemetry",
                // The reader of the JSON that is written.
                "KeyValueService",
                .nioCore,
                .logging,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "FailoverAgentTests",
            dependencies: [
                "Failover", "FailoverAgent", "RedisClient", "RedisCore", "ReplicaReconciler", "SeededRandomness",
            ],
            exclude: ["Recorded"], swiftSettings: strict),
        .testTarget(
            name: "RollbackTests", dependencies: ["FailoverAgent", "RDBFile", "RedisClient", "Rollback"],
            swiftSettings: strict),
        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
        .testTarget(name: "ProgramStartTests", dependencies: ["ProgramStart"], swiftSettings: strict),
        .testTarget(name: "HiredisTests", dependencies: ["Hiredis"], swiftSettings: strict),
        .testTarget(
            name: "RedisClientTests",
            dependencies: ["RedisClient", "RedisCore", "Hiredis", "Telemetry", .logging, .nioCore, .nioEmbedded],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPWireTests",
            dependencies: [
                "HTTPWire", "SeededRandomness",
                // The other reader of the same bytes, to compare with.
                .nioCore,
                .nioEmbedded,
                .nioHTTP1,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KeyValueServiceTests",
            dependencies: [
                "HTTPWire", "KeyValueService", "Listening", "LivePage", "RedisClient", "RedisCore", "Settings",
                "Telemetry", .nioCore, .nioEmbedded,
            ],
            swiftSettings: strict),
        // What is read, held to its promises on seeds; by the million in a package of its own, for libFuzzer: `make fuzz`.
        .testTarget(
            name: "Fuzzing",
            dependencies: [
                "Hiredis", "HTTPWire", "KeyValueService", "RDBFile", "RedisConf", "ReplicaPlanning",
                "ReplicaReconciler", "RedisCore", "SeededRandomness", "Settings", "ReplicaAgent", "Telemetry",
                .nioCore,
            ],
            exclude: ["LibFuzzer", "README.md", "Seeds"], swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Failover", "FailoverAgent", "LeaseStore", "LocalTopology", "Hiredis", "KeyValueService",
                "RedisConf", "RegisterHistory", "ReplicaAgent", "ReplicaPlanning", "RedisCore", "SeededRandomness",
                "Settings",
                "Supervision", .nioCore, .nioHTTP1, .nioPosix, .nioSSL, .subprocess, .systemPackage,
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
