// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The fuzzer: the sources of the project, by links, compiled for libFuzzer. Packages cannot see into one another, and the
// flags are not for programs that are given to others; so this is a separate package. `make fuzz` builds and runs it.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

/// Counts which branches an input takes; -enable-testing shows the targets what is internal.
let watched = strict + [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]

/// Of a target that is too much as a whole, the files that read: without the network, whose libraries take minutes to
/// compile. Wherever in its folders they are.
func target(_ name: String, dependencies: [Target.Dependency] = [], files names: String...) -> Target {
    let folder = Context.packageDirectory + "/../../../Sources/" + name
    let all = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).filter {
        !$0.hasPrefix(".") && ($0.hasSuffix(".swift") || $0.contains("."))
    }
    let chosen = Set(names.map { $0 + ".swift" })
    let isChosen = { (path: String) in chosen.contains(String(path.split(separator: "/").last ?? "")) }
    return .target(
        name: name, dependencies: dependencies, exclude: all.filter { !isChosen($0) }, sources: all.filter(isChosen),
        swiftSettings: watched)
}

let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")

let package = Package(
    name: "libfuzzer",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", exact: "2.101.2")],
    targets: [
        .target(name: "RedisConf", swiftSettings: watched),
        .target(name: "RedisCore", swiftSettings: watched),
        .target(name: "HTTPWire", swiftSettings: watched),
        .target(name: "ReplicaPlanning", dependencies: ["RedisConf", "RedisCore"], swiftSettings: watched),
        .target(name: "RDBFile", dependencies: ["ReplicaPlanning"], swiftSettings: watched),
        .target(name: "ReplicaReconciler", dependencies: ["RedisCore"], swiftSettings: watched),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .target(name: "Hiredis", dependencies: ["CHiredis"], swiftSettings: watched),
        .target(name: "Settings", dependencies: ["RedisCore"], swiftSettings: watched),
        target("Telemetry", dependencies: [nio], files: "JSONEscape", "JSONEscape+Shown", "JSONText"),
        target(
            "RedisClient", dependencies: ["Hiredis", "RedisCore", nio], files: "Bytes", "ByteBuffer+Commands",
            "OutputRawSpan+Writing", "RedisCommand", "RedisEndpoint", "RedisFailure"),
        target(
            "KeyValueService", dependencies: ["HTTPWire", "RedisClient", "RedisCore", "Telemetry", nio],
            files: "APIToken", "AcceptedTypes", "AllowedOrigins", "Base64", "BatchOperation", "BatchRequest",
            "ConsistencyDemand", "Digits", "DurationText", "EntityTagList", "JSONReader", "KeyForm", "KeyListRequest",
            "KeyTag", "Problem", "Problem+Malformation", "RequestSource", "RequestTarget", "ResponseStatus", "Route",
            "Route+Operations", "ScanCursor", "SetRequest", "SipHash", "TraceParent", "UnknownParameter",
            "WriteCondition"),
        target("ReplicaAgent", files: "SidecarToken"),
        .target(name: "SeededRandomness", swiftSettings: strict),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Hiredis", "HTTPWire", "KeyValueService", "RDBFile", "RedisConf", "ReplicaPlanning",
                "ReplicaReconciler", "RedisCore", "SeededRandomness", "Settings", "ReplicaAgent", "Telemetry", nio,
            ],
            swiftSettings: strict + [.unsafeFlags(["-enable-testing"])]),
        .executableTarget(
            name: "fuzz", dependencies: ["FuzzTargets"],
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])],
            linkerSettings: [.linkedLibrary("stdc++"), .linkedLibrary("m")]),
    ],
    swiftLanguageModes: [.v6]
)
