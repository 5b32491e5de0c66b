import Settings
import Testing

@Suite("Variables")
struct VariableTests {
    @Test(arguments: [
        (Variable("HOST", .program, "Where.", default: .described("everywhere")), "Where. (HOST: default everywhere)"),
        (Variable("PORT", .program, "The port.", .number(0...9), default: "8"), "The port. (PORT: 0…9; default 8)"),
        (Variable("A_FORM", .program, "The form.", .choice(["a", "b", "c"])), "The form. (A_FORM: a, b or c)"),
        (Variable("ON", .program, "Whether.", .yesOrNo, default: "no"), "Whether. (ON: yes or no; default no)"),
        (Variable("SECRET", .program, "The word.", .secret), "The word. (SECRET)"),
    ])
    func `tell what they mean, what they take, and their default`(variable: Variable, help: String) {
        #expect(variable.help == help)
    }

    @Test func `have a flag each, but for secrets`() {
        #expect(Variable("REDIS_DATABASE", .program, "").flag == "--redis-database")
        #expect(Variable("REDIS_PASSWORD", .program, "", .secret).flag == nil)
        #expect(SettingName("REDIS_DATABASE", isFlag: true).description == "--redis-database (REDIS_DATABASE)")
        #expect(SettingName("REDIS_DATABASE", isFlag: false).description == "REDIS_DATABASE")
    }

    @Test(arguments: [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
    func `list what they take`(choices: [String], text: String) {
        #expect(choices.listed == text)
    }

    @Test func `are found in their list by name and by place`() {
        let list = VariableList([Variable("B", .program, "b"), Variable("A", .program, "a")])
        #expect(list.map(\.name) == ["B", "A"])
        #expect(list["A"].meaning == "a")
    }
}

extension Variable.Group {
    static let program = Variable.Group("The program")
}
