/// What the service hands out as it is: files of this folder, in the program. A separate target, so that their bytes are
/// compiled once.
public enum ServiceDocuments {
    /// The description of the HTTP API, OpenAPI 3.1 in JSON.
    public static let openAPI: [UInt8] = PackageResources.openapi_json
}
