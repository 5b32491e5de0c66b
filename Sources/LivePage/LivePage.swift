/// The live page, a file that is part of the program.
public enum LivePage {
    /// UTF-8. `{nonce}` stands where the number of the answer's Content-Security-Policy has to be.
    public static var html: [UInt8] { PackageResources.index_html }
}
