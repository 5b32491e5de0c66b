import Glibc
import ReplicaPlanning

/// What must not be written over, and is kept aside before redis-server starts.
enum KeptFiles {
    static func prepare(_ plan: Plan, _ outcome: GuardWatch.Outcome) throws(Failure) {
        do throws(ReseedFailure) {
            switch outcome {
            case .asPlanned:
                System.remove(path(plan.data.followedPath))
                try keepUnlisted(plan)
            case .following(let master): try keepOwn(plan, before: master)
            }
        } catch {
            throw .unmet(
                error.reason, cure: "make room on the volume, or move these files away", exitCode: ExitCode.inputOutput)
        }
    }

    /// Files that no manifest lists and redis-server would still go on with.
    private static func keepUnlisted(_ plan: Plan) throws(ReseedFailure) {
        let files = LiveFiles()
        let names = plan.data.filesTakenOver(files)
        guard !names.isEmpty else { return }
        let aside = plan.data.asideFolder("aside", at: Moment.timeOfDay, files: files)
        Terminal.complain([
            "warning: no manifest lists \(names.map(path).joined(separator: ", ")), and redis-server would go on writing there"
        ])
        try keep(plan, plan.data.putAside(names, in: aside, files: files))
    }

    /// What this server has and the master that it follows may not have.
    ///
    /// What an earlier start as its replica copied is kept once: a later one takes its place, so that restarts do not fill
    /// the volume. What was there before the first of them stays.
    private static func keepOwn(_ plan: Plan, before master: FollowedMaster) throws(ReseedFailure) {
        let files = LiveFiles()
        let note = (try? System.read(path(plan.data.followedPath), upTo: 4096)) ?? []
        let isCopy = master.isCopied(in: String(decoding: note, as: UTF8.self))
        if !master.hasEverything {
            let kind = isCopy ? "replica" : "aside"
            let aside = plan.data.asideFolder(kind, at: Moment.timeOfDay, files: files)
            let older = isCopy ? plan.data.asideFolders(kind, files: files) : []
            let changes = plan.data.putAside(plan.data.filesInTheWay(files), in: aside, files: files)
            try keep(plan, changes)
            if !changes.isEmpty { for folder in older { System.removeFolder(path(folder)) } }
        }
        try FolderChanges(account: plan.privileges.account)
            .write(plan.data.followedPath, Array(master.text.utf8))
    }

    private static func keep(_ plan: Plan, _ changes: [FileChange]) throws(ReseedFailure) {
        try FolderChanges(account: plan.privileges.account).perform(changes)
        FolderChanges.tell(changes)
    }
}
