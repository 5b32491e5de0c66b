import ArgumentParser
import ReplicaAgent
import ReplicaPlanning
import Rollback
import ServiceProgram
import Settings

/// Shows what a former leader had and the present one does not have.
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "List the rollback files of a former leader, and compare one with the data of now.",
        subcommands: [ListFiles.self, ShowFile.self])

    /// A table of the files.
    struct ListFiles: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the rollback files, the newest first.",
            discussion: """
                Reads each file to its end. Exit code 0: all files are whole; 65: one is damaged; 66: the folder cannot \
                be read; 69: the server does not say where it is.
                """)

        @OptionGroup(title: "Local server") var server: ServerOptions
        @OptionGroup(title: "Rollback files") var rollback: RollbackOptions

        func run() throws {
            let command = RollbackRun("list", server, rollback)
            if rollback.folder == nil { try command.readSettings() }
            try command.reporting { () throws(RollbackError) in
                let folder = try command.folder()
                let files = try RollbackListing(folder: folder).files()
                let output = Output()
                try output.write(RollbackListing.text(files, folder: folder, isJSON: rollback.isJSON))
                try output.flush()
                return files.allSatisfy { (try? $0.keys.get()) != nil } ? .success : RollbackRun.dataError
            }
        }
    }

    /// The keys of one file that are missing now, or differ.
    struct ShowFile: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show which keys of a rollback file the server does not have, or has otherwise.",
            discussion: """
                Compares with the server beside it, and writes nothing. Exit code 0: the server has all of them; 1: some \
                are missing, differ or cannot be compared; 65: the file is damaged; 66: it cannot be read; 69: the \
                server cannot be asked.
                """)

        @OptionGroup(title: "Local server") var server: ServerOptions
        @OptionGroup(title: "Rollback files") var rollback: RollbackOptions

        @Argument(help: "A name that list shows, or a path.") var file: String

        func run() throws {
            let command = RollbackRun("show", server, rollback)
            try command.readSettings()
            try command.reporting { () throws(RollbackError) in
                let path = file.contains("/") ? file : "\(try command.folder())/\(file)"
                return try command.show(path)
            }
        }
    }
}

struct RollbackOptions: ParsableArguments {
    @Option(help: "The folder of the rollback files. (default: rollback in the server's dir)") var folder: String?
    @Flag(name: .customLong("json"), help: "Print one JSON document.") var isJSON = false
}
