/// A time of day as part of a name: `20261130T031500Z`.
public enum TimeStamp {
    /// - Parameter seconds: since 1970, not before.
    public static func text(seconds: Int) -> String {
        let seconds = max(0, seconds)
        let (year, month, day) = date(ofDay: seconds / 86_400)
        let time = seconds % 86_400
        return "\(year)\(two(month))\(two(day))T\(two(time / 3600))\(two(time / 60 % 60))\(two(time % 60))Z"
    }

    /// The Gregorian date of a day since 1970: years begin in March, so that the odd day is the last one.
    private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let ofEra = shifted % 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let isNextYear = month >= 10
        return (
            shifted / 146_097 * 400 + year + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3,
            ofYear - (153 * month + 2) / 5 + 1
        )
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
