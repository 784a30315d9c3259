package classify
import ("testing";"time";"strings";"os";"compress/gzip";"bytes")
func TestSlow(t *testing.T){
 _ = os.Args; _ = gzip.NewReader; _ = bytes.NewReader
 pats:=[]string{"a","1","1 ","a.","a@","@","<","<a@","<\"","\"","unknown user: \"","421-","550-5.1.1 ","x said: 421-421 ","[","a.b[","::","1:","a:","https://","http://a/","<id>",".","..","-","a-1","\\n","\\n550","é","é1","é@","a@[","2026-11-22 ","Nov 1 ","1.1.1.1","127.0.0.1 ","a.bl.com using ","TSS04 ","  "," \t","1=","=1","a.bl-1-","bl","10:","a.b/","a.b/1", "using b.c1 ","550-550 ","550- "}
 for _,p:=range pats{
  for _,pre:=range []string{"","550-","<","a@b.c "}{
  s:=pre+strings.Repeat(p,1<<20/len(p))
  t0:=time.Now(); AppendTemplate(nil,s); d:=time.Since(t0)
  if d>30*time.Millisecond{t.Logf("%q+%q %v",pre,p,d)}
 }}
}
