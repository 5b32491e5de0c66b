import RedisClient

/// Compare-and-swap of one key by its tag, in one round trip: a script, for Redis has no command for it before 8.4.
///
/// The script computes ``KeyTag`` itself (SipHash-2-4-128 in Lua 5.1, whose numbers are doubles: 64 bits are two halves of 32,
/// each below 2³²). So tags stay what they were, and neither a plain read nor a plain write pays for it. Where the value is
/// longer than ``limitBytes`` it gives the length back and does nothing, since a script holds up the server.
///
/// - Keys: the key.
/// - Arguments: the limit; If-Match and If-None-Match, each empty, `*`, or 16 bytes a tag; the value to set, none where the key
///   is to be deleted; its time to live in milliseconds.
/// - Reply: ``Reply``, or the error that a command in it gave. The write is its last command.
enum CompareScript {
    /// 100 µs of a server's time (docs/consistency.md).
    static let limitBytes = 512

    enum Reply: Equatable {
        case unmet
        /// - Parameter existed: whether the key had a value before.
        case applied(existed: Bool)
        /// Nothing was done.
        case tooLong(bytes: Int64)

        /// - Returns: `nil` where the script never gives such a number.
        init?(_ number: Int64) {
            switch number {
            case 0: self = .unmet
            case 1: self = .applied(existed: false)
            case 2: self = .applied(existed: true)
            case Int64(limitBytes + 1)...: self = .tooLong(bytes: number)
            default: return nil
            }
        }
    }

    static let script = RedisScript(
        text: text, digest: "439b43b98e2021d194a1bb4fcd063da49b2eb47d")

    /// Never changed without its digest.
    private static let text = #"""
        local X,M=bit.bxor,4294967296
        local function digest(s)
         local a,A,b,B,c,C,d,D=420937735,371015702,218956787,268835072,117511955,151734806,438110467,790275
         local p,q
         s=s..string.rep('\0',7-#s%8)..string.char(#s%256)
         for i=1,#s+16,8 do
          local k,m,h,e,f=4,0,0
          if i<=#s then k=2 m,h=struct.unpack('<I4I4',s,i) d,D=X(d,m)%M,X(D,h)%M
          elseif i==#s+1 then c=X(c,238)%M
          else p,q=X(a,b,c,d),X(A,B,C,D) b=X(b,221)%M end
          for _=1,k do
           e=a+b f=A+B if e>=M then e=e-M f=f+1 end if f>=M then f=f-M end a,A=e,f
           e=(b%524288)*8192+(B-B%524288)/524288 f=(B%524288)*8192+(b-b%524288)/524288
           b=X(e,a)%M B=X(f,A)%M
           a,A=A,a
           e=c+d f=C+D if e>=M then e=e-M f=f+1 end if f>=M then f=f-M end c,C=e,f
           e=(d%65536)*65536+(D-D%65536)/65536 f=(D%65536)*65536+(d-d%65536)/65536
           d=X(e,c)%M D=X(f,C)%M
           e=a+d f=A+D if e>=M then e=e-M f=f+1 end if f>=M then f=f-M end a,A=e,f
           e=(d%2048)*2097152+(D-D%2048)/2048 f=(D%2048)*2097152+(d-d%2048)/2048
           d=X(e,a)%M D=X(f,A)%M
           e=c+b f=C+B if e>=M then e=e-M f=f+1 end if f>=M then f=f-M end c,C=e,f
           e=(b%32768)*131072+(B-B%32768)/32768 f=(B%32768)*131072+(b-b%32768)/32768
           b=X(e,c)%M B=X(f,C)%M
           c,C=C,c
          end
          if k==2 then a,A=X(a,m)%M,X(A,h)%M end
         end
         return struct.pack('<i4i4i4i4',p,q,X(a,b,c,d),X(A,B,C,D))
        end
        local function names(list,tag)
         for i=1,#list,16 do if string.sub(list,i,i+15)==tag then return true end end
         return false
        end
        local function failed(r,name)
         if type(r)~='table' or not r.err then return nil end
         local m=r.err
         if string.find(m,'ACL failure',1,true) or string.find(m,"can't run this command",1,true) then
          return {err="NOPERM this user may not run the '"..name.."' command"}
         end
         return {err=string.match(m,'%u%u%u+ .*') or 'ERR '..m}
        end
        local key,limit=KEYS[1],tonumber(ARGV[1])
        local is,isnt=ARGV[2],ARGV[3]
        local n=redis.pcall('STRLEN',key)
        local has,tag=true,nil
        local e=failed(n,'strlen')
        if e then
         if string.sub(e.err,1,9)~='WRONGTYPE' then return e end
        elseif n>limit then return n
        else
         local v=redis.pcall('GET',key)
         e=failed(v,'get')
         if e then return e end
         if v then tag=digest(v) else has=false end
        end
        if is=='*' then if not has then return 0 end
        elseif is~='' and not (tag and names(is,tag)) then return 0 end
        if isnt=='*' then if has then return 0 end
        elseif tag and names(isnt,tag) then return 0 end
        local r
        if #ARGV==3 then r=redis.pcall('UNLINK',key)
        elseif #ARGV==4 then r=redis.pcall('SET',key,ARGV[4])
        else r=redis.pcall('SET',key,ARGV[4],'PX',ARGV[5]) end
        return failed(r,#ARGV==3 and 'unlink' or 'set') or (has and 2 or 1)

        """#
}
