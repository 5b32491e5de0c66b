/// Kubernetes' `MicroTime`: exactly six digits behind the second, in UTC.
enum MicroTime {
    /// - Parameters:
    ///   - seconds: since 1970.
    ///   - nanoseconds: 0..<1,000,000,000.
    static func text(seconds: Int, nanoseconds: Int) -> String {
        let (days, second) = seconds.quotientAndFloorRemainder(86_400)
        let date = civil(days: days)
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
            + "T\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
            + ".\(padded(nanoseconds / 1000, 6))Z"
    }

    /// The date so many days after 1970-01-01, in the Gregorian calendar. Years begin in March here: a leap day ends
    /// one.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + 719_468).quotientAndFloorRemainder(146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400
        return month < 10 ? (year, month + 3, day) : (year + 1, month - 9, day)
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

extension Int {
    /// The remainder is never negative.
    fileprivate func quotientAndFloorRemainder(_ divisor: Int) -> (Int, Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
