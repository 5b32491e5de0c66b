import Testing

/// `make e2e` on a cluster that gives its claim no volume: a kubectl of our own answers as such a cluster does.
@Suite("make e2e names the claim that has no volume, not the app that waits for it")
struct EndToEndClaimTests {
    struct Case: Sendable {
        var name: String
        /// Members of the claim's `spec`.
        var claim: String
        var classes: [String] = []
        /// The classes of free volumes that were created manually.
        var volumes: [String] = []
        var event = ""
        var exitCode: Int32
        var words: [String]
    }

    static let cases = [
        Case(
            name: "a class that the cluster does not have", claim: #","storageClassName":"standard""#,
            classes: ["fast"], volumes: ["slow"], exitCode: 69,
            words: [
                "the claim redis-master-data stays Pending: there is no StorageClass standard (the cluster has: fast)",
                "--storage-class", "--host-path-volume",
            ]),
        Case(
            name: "no class, and no default one", claim: "", exitCode: 69,
            words: ["the claim redis-master-data stays Pending: it names no StorageClass", "no default one"]),
        Case(
            name: "a class whose provisioner does nothing", claim: #","storageClassName":"standard""#,
            classes: ["standard"], event: "Waiting for a volume to be created by the provisioner", exitCode: 1,
            words: [
                "deployment/redis-master did not come about within 1 s",
                "claim redis-master-data is Pending (Waiting for a volume to be created by the provisioner)",
            ]),
        Case(
            name: "a volume made manually, which fits", claim: #","storageClassName":"standard""#,
            volumes: ["standard"], exitCode: 1, words: ["deployment/redis-master did not come about within 1 s"]),
    ]

    @Test(arguments: cases)
    func `the claim is named`(_ case: Case) throws {
        let scratch = try Scratch()
        let answers = [
            "objects": Self.objects(`case`), "claim": Self.claim(`case`), "pods": Self.list([Self.pod]),
            "storageclasses": Self.list(`case`.classes.map { #"{"metadata":{"name":"\#($0)"}}"# }),
            "persistentvolumes": Self.list(`case`.volumes.map(Self.volume)),
            "events": Self.list(`case`.event.isEmpty ? [] : [#"{"message":"\#(`case`.event)"}"#]),
        ]
        for (name, text) in answers { try scratch.write("\(name).json", text.utf8) }
        let kubectl = try scratch.write("kubectl", Self.kubectl.utf8, mode: 0o755)
        let run = try Spawned(
            "/usr/bin/python3",
            ["-B", "\(Scratch.root)/scripts/e2e/run", "--limit", "1", "--artefacts", scratch["kept"]],
            environment: ["KUBECTL": kubectl, "PATH": "/usr/bin:/bin"], in: scratch.path, log: scratch["output"])
        #expect(run.ended(within: 60) == .exited(`case`.exitCode), "\(run.output)")
        for words in `case`.words { #expect(run.output.contains(words), "\(`case`.name): \(run.output)") }
        #expect(!run.output.contains("deployment/key-value-app"), "the app is named: \(run.output)")
    }

    /// As the API server would answer each question of the run up to the first rollout.
    private static let kubectl = """
        #!/bin/sh
        # --namespace NAME VERB KIND …
        folder=$(dirname "$0")
        case "$3 $4" in
            version*) echo '{"serverVersion":{"gitVersion":"v1.36.0"}}' ;;
            kustomize*) echo 'rendered' ;;
            create*) cat "$folder/objects.json" ;;
            apply* | delete*) ;;
            'get namespace') ;;
            'get persistentvolumeclaim') cat "$folder/claim.json" ;;
            'get storageclasses' | 'get persistentvolumes' | 'get events' | 'get pods') cat "$folder/$4.json" ;;
            'get deployment') printf '{"metadata":{"generation":1},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"%s"}}}}' "$5" ;;
            *) echo "this cluster does not answer: $*" >&2; exit 1 ;;
        esac
        """

    private static func objects(_ case: Case) -> String {
        let deployments = ["key-value-app", "redis-master"].map {
            #"{"kind":"Deployment","metadata":{"name":"\#($0)"},"spec":{"template":{"spec":{"containers":[]}}}}"#
        }
        let claim =
            #"{"kind":"PersistentVolumeClaim","metadata":{"name":"redis-master-data"},"spec":{"x":1\#(`case`.claim)}}"#
        return list(deployments + [claim])
    }

    private static func claim(_ case: Case) -> String {
        """
        {"metadata":{"name":"redis-master-data","namespace":"here","uid":"1"},\
        "spec":{"accessModes":["ReadWriteOncePod"]\(`case`.claim)},"status":{"phase":"Pending"}}
        """
    }

    private static func volume(_ class: String) -> String {
        #"{"metadata":{"name":"v"},"spec":{"storageClassName":"\#(`class`)","accessModes":["ReadWriteOncePod"]}}"#
    }

    private static let pod = """
        {"metadata":{"name":"p"},"spec":{"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"redis-master-data"}}]},\
        "status":{}}
        """

    private static func list(_ items: [String]) -> String {
        #"{"kind":"List","items":[\#(items.joined(separator: ","))]}"#
    }
}
