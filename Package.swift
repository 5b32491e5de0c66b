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
    var settings: [LinkerSetting] = [
        .unsafeFlags(["-static-executable", "-Xlinker", "--gc-sections", "-Xlinker", "-s"], release)
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

let package = Package(
    name: "redis-replica-kit",
    products: [
        .executable(name: "redis-replica-init", targets: ["redis-replica-init"]),
        .executable(name: "redis-replica-sidecar", targets: ["redis-replica-sidecar"]),
        .executable(name: "KVApp", targets: ["KVApp"]),
        .executable(name: "kv-local", targets: ["kv-local"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
    ],
    targets: [
        // Pure: values in, values out.
        .target(name: "RedisConf", swiftSettings: memorySafe),
        .target(name: "Replication", swiftSettings: memorySafe),
        .target(name: "ServerSelection", dependencies: ["Replication"], swiftSettings: memorySafe),
        .target(name: "HTTPWire", swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "ReplicaInit", dependencies: ["RedisConf", "Replication"], swiftSettings: memorySafe),
        .target(name: "ReplicaSidecar", dependencies: ["Replication"], swiftSettings: memorySafe),
        .target(name: "Settings", swiftSettings: memorySafe),

        // C.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(
            name: "Hiredis", dependencies: ["CHiredis"],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),

        // What long-running programs have in common.
        .target(name: "SystemFiles", swiftSettings: memorySafe),
        .target(
            name: "Telemetry",
            dependencies: [
                "SystemFiles",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: memorySafe),
        .target(
            name: "ServiceProgram",
            dependencies: [
                "Settings", "SystemFiles", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: memorySafe),

        // The HTTP ↔ Redis path.
        .target(
            name: "RedisClient",
            dependencies: [
                "Hiredis", "Replication", "ServerSelection", "Telemetry",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "ServiceDocuments", resources: [.embedInCode("openapi.json")], swiftSettings: strict),
        .target(name: "LivePage", resources: [.embedInCode("index.html")], swiftSettings: strict),
        .target(
            name: "KeyValueService",
            dependencies: [
                "CLinux", "HTTPWire", "LivePage", "RedisClient", "Replication", "ServerSelection",
                "ServiceDocuments", "Settings", "Telemetry",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: memorySafe + [.enableExperimentalFeature("Lifetimes")]),

        // The sidecar: what it sees and does; what it decides is above, in ReplicaSidecar.
        .target(
            name: "SidecarService",
            dependencies: [
                "RedisClient", "RedisConf", "ReplicaInit", "ReplicaSidecar", "Replication", "SystemFiles", "Telemetry",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: memorySafe),

        // Real processes on loopback, for people and for tests.
        .target(
            name: "LocalTopology",
            dependencies: [
                "CLinux", "Hiredis", "Replication",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),

        // Programs: thin, and imported by nobody.
        .executableTarget(
            name: "redis-replica-init", dependencies: ["ReplicaInit", "RedisConf", "CLinux", "Hiredis", "Replication"],
            swiftSettings: memorySafe, linkerSettings: staticExecutable(foundationEssentials: false)),
        .executableTarget(
            name: "KVApp",
            dependencies: [
                "KeyValueService", "RedisClient", "ServiceProgram", "Settings", "SystemFiles", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict, linkerSettings: staticExecutable(foundationEssentials: true)),
        .executableTarget(
            name: "redis-replica-sidecar",
            dependencies: [
                "CLinux", "RedisClient", "ReplicaInit", "ReplicaSidecar", "ServiceProgram", "Settings",
                "SidecarService",
                "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: memorySafe, linkerSettings: staticExecutable(foundationEssentials: true)),
        .executableTarget(
            name: "kv-local",
            dependencies: [
                "LocalTopology",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict, linkerSettings: staticExecutable(foundationEssentials: true)),

        // Random numbers that a seed brings back, for tests and for the fuzzer.
        .target(name: "SeededRandomness", path: "Tests/Support/SeededRandomness", swiftSettings: strict),

        // Random configurations for the grammar, in a test and by the million: `make fuzz-conf`.
        .target(
            name: "RedisConfFuzz", dependencies: ["RedisConf", "SeededRandomness"], path: "Benchmarks/RedisConfFuzz",
            swiftSettings: strict),
        .executableTarget(
            name: "fuzz-conf", dependencies: ["RedisConfFuzz"], path: "Benchmarks/fuzz-conf", swiftSettings: strict),

        // Tests never depend on an executable (its linker flags would reach the test bundle); the programs are built
        // beside the bundle and found there.
        .testTarget(
            name: "RedisConfTests", dependencies: ["RedisConf", "RedisConfFuzz", "SeededRandomness"],
            swiftSettings: strict),
        .testTarget(name: "ReplicationTests", dependencies: ["Replication", "ServerSelection"], swiftSettings: strict),
        .testTarget(name: "ReplicaInitTests", dependencies: ["ReplicaInit", "RedisConf"], swiftSettings: strict),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"], swiftSettings: strict),
        .testTarget(
            name: "ReplicaSidecarTests", dependencies: ["ReplicaSidecar", "Replication"], swiftSettings: strict),
        .testTarget(
            name: "SidecarServiceTests",
            dependencies: [
                "LocalTopology", "ReplicaInit", "ReplicaSidecar", "SidecarService",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: [
                "Telemetry",
                // The reader of the JSON that is written.
                "KeyValueService",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(name: "HiredisTests", dependencies: ["Hiredis"], swiftSettings: strict),
        .testTarget(
            name: "RedisClientTests",
            dependencies: [
                "RedisClient", "Replication", "Hiredis", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "HTTPWireTests",
            dependencies: [
                "HTTPWire", "SeededRandomness",
                // The other reader of the same bytes, to compare with.
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KeyValueServiceTests",
            dependencies: [
                "HTTPWire", "KeyValueService", "LivePage", "RedisClient", "Replication", "Settings", "Telemetry",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "LocalTopology", "Hiredis", "KeyValueService", "RedisConf", "Replication", "SeededRandomness",
                "Settings",
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
