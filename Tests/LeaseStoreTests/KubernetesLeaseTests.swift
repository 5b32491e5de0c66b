import Failover
import Foundation
import Testing

@testable import LeaseStore

@Suite("A Lease of Kubernetes")
struct KubernetesLeaseTests {
    private static let record = LeaseRecord(
        holder: NodeID(name: "redis-0", pod: "4f0c", start: 1), term: 7, duration: .milliseconds(5001),
        histories: [.init(term: 7, id: "8a2e", start: 1024)])

    private static func lease(_ record: LeaseRecord, replacing known: KubernetesLease? = nil, now: String = "now")
        throws -> KubernetesLease
    {
        KubernetesLease(
            record, text: try LeaseText.text(of: record), replacing: known, namespace: "redis", name: "main", now: now)
    }

    @Test("its fields show the record to people: whole seconds, rounded up, and the term")
    func spec() throws {
        let lease = try Self.lease(Self.record)
        #expect(
            lease.spec
                == KubernetesLease.Spec(
                    holderIdentity: "redis-0_4f0c", leaseDurationSeconds: 6, acquireTime: "now", renewTime: "now",
                    leaseTransitions: 7))
        #expect(try lease.record == Self.record)
    }

    @Test("a term above 2³¹ − 1 shows as that; the record has it in full")
    func largeTerm() throws {
        for term in [UInt64(Int32.max), UInt64(Int32.max) + 1, .max] {
            var record = Self.record
            record.term = term
            let lease = try Self.lease(record)
            #expect(lease.spec?.leaseTransitions == Int64(Int32.max))
            #expect(try lease.record?.term == term)
        }
    }

    @Test("a lease that was given back names no holder: Kubernetes takes no empty one")
    func released() throws {
        var record = Self.record
        record.holder = nil
        let lease = try Self.lease(record)
        #expect(lease.spec?.holderIdentity == nil)
        let text = String(decoding: try JSONEncoder().encode(lease), as: UTF8.self)
        #expect(!text.contains("holderIdentity"), "\(text)")
    }

    @Test("the time of the acquisition stays within a term; labels, owners and other annotations stay for ever")
    func replacing() throws {
        var known = try Self.lease(Self.record, now: "t1")
        known.metadata.resourceVersion = "12"
        known.metadata.uid = "7e1f"
        known.metadata.labels = ["app": "redis"]
        known.metadata.annotations?["other"] = "kept"
        known.metadata.ownerReferences = [.init(apiVersion: "apps/v1", kind: "StatefulSet", name: "redis", uid: "u")]
        var renewed = Self.record
        renewed.renewals = 1
        var next = try Self.lease(renewed, replacing: known, now: "t2")
        #expect(next.spec?.acquireTime == "t1" && next.spec?.renewTime == "t2")
        #expect(next.metadata.resourceVersion == "12" && next.metadata.uid == "7e1f")
        #expect(next.metadata.labels == known.metadata.labels)
        #expect(next.metadata.ownerReferences == known.metadata.ownerReferences)
        #expect(next.metadata.annotations?["other"] == "kept")
        renewed.term = 8
        next = try Self.lease(renewed, replacing: known, now: "t3")
        #expect(next.spec?.acquireTime == "t3" && next.spec?.leaseTransitions == 8)
    }

    private static func decoded(_ json: String) throws -> KubernetesLease {
        try JSONDecoder().decode(KubernetesLease.self, from: Data(json.utf8))
    }

    @Test("an empty Lease that was created in advance is no record, and not in the way")
    func empty() throws {
        for spec in ["", #","spec":{}"#, #","spec":{"holderIdentity":"","leaseDurationSeconds":15}"#] {
            #expect(try Self.decoded(#"{"metadata":{"name":"main"}\#(spec)}"#).record == nil, "\(spec)")
        }
    }

    @Test("a Lease of another program, and an annotation that cannot be read, is never taken for ours")
    func foreign() throws {
        let other = try Self.decoded(#"{"metadata":{},"spec":{"holderIdentity":"scheduler_1","leaseTransitions":3}}"#)
        #expect(throws: ForeignLease.otherProgram(holder: "scheduler_1")) { try other.record }
        let released = try Self.decoded(#"{"metadata":{},"spec":{"holderIdentity":"","leaseTransitions":3}}"#)
        #expect(throws: ForeignLease.otherProgram(holder: "")) { try released.record }
        let broken = try Self.decoded(#"{"metadata":{"annotations":{"redis-replica-kit/lease":"{}"}}}"#)
        #expect(throws: ForeignLease.text(.notOurs)) { try broken.record }
    }

    @Test(
        "a time has exactly six digits behind the second",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000000Z"), (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400, 1000, "2000-02-29T00:00:00.000001Z"), (1_709_251_199, 0, "2024-02-29T23:59:59.000000Z"),
            (4_107_542_400, 12_345_678, "2100-03-01T00:00:00.012345Z"), (-1, 0, "1969-12-31T23:59:59.000000Z"),
        ])
    func times(seconds: Int, nanoseconds: Int, text: String) {
        #expect(MicroTime.text(seconds: seconds, nanoseconds: nanoseconds) == text)
    }
}
