@echo off
rem Runs Hesse from its source folder; builds it on first use and after a change.
rem   HESSE_JAVA_HOME   the JDK (25 or newer) to use; else JAVA_HOME, PATH and the usual folders
rem   HESSE_JAVA_OPTS   more options for the JVM, such as -Xmx8g
setlocal EnableExtensions DisableDelayedExpansion
set "ROOT=%~dp0"
set "JAR=%ROOT%target\hesse.jar"
set "JAVA_BIN="

if not defined HESSE_JAVA_HOME goto search
call :try "%HESSE_JAVA_HOME%"
if defined JAVA_BIN goto found
echo hesse: "HESSE_JAVA_HOME=%HESSE_JAVA_HOME%" is not a JDK 25 or newer; correct it or unset it 1>&2
exit /b 3

:search
if defined JAVA_HOME call :try "%JAVA_HOME%"
if not defined JAVA_BIN for /f "delims=" %%J in ('where java 2^>nul') do if not defined JAVA_BIN call :try "%%~dpJ.."
if not defined JAVA_BIN for /d %%D in ("%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Java\*" "%ProgramFiles%\Microsoft\jdk*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\Amazon Corretto\*" "%USERPROFILE%\.jdks\*" "%USERPROFILE%\scoop\apps\*jdk*\current") do if not defined JAVA_BIN call :try "%%~D"
if not defined JAVA_BIN (
  echo hesse: no JDK 25 or newer found; install one ^(such as from adoptium.net^) or set HESSE_JAVA_HOME to its folder 1>&2
  exit /b 3
)

:found
if not exist "%JAR%" goto build
if not exist "%ROOT%src\main" goto run
powershell -NoProfile -Command "$t=(Get-Item $env:JAR).LastWriteTimeUtc; $s=Join-Path $env:ROOT 'target\.hesse-built'; if(Test-Path $s){$u=(Get-Item $s -Force).LastWriteTimeUtc; if($u -gt $t){$t=$u}}; $p='pom.xml','src\main','kernels' | ForEach-Object {Join-Path $env:ROOT $_} | Where-Object {Test-Path $_}; $n=@(Get-Item $p)+@(Get-ChildItem $p -Recurse) | Where-Object {$_.LastWriteTimeUtc -gt $t} | Select-Object -First 1; if($n){exit 1}"
if not errorlevel 1 goto run

:build
where mvn >nul 2>nul
if errorlevel 1 (
  echo hesse: building needs Maven 3.8 or newer; install it and put it on the PATH 1>&2
  exit /b 3
)
echo building hesse ... 1>&2
if not exist "%ROOT%target" mkdir "%ROOT%target"
type nul > "%ROOT%target\.hesse-started"
set "SAVED_JAVA_HOME=%JAVA_HOME%"
if exist "%JAVA_DIR%\bin\javac.exe" set "JAVA_HOME=%JAVA_DIR%"
call mvn -B -ntp -f "%ROOT%pom.xml" package -Dhesse.quick > "%ROOT%target\.hesse-build.log" 2>&1
if errorlevel 1 (
  type "%ROOT%target\.hesse-build.log" 1>&2
  echo hesse: the build failed; see above 1>&2
  exit /b 1
)
move /y "%ROOT%target\.hesse-started" "%ROOT%target\.hesse-built" >nul
set "JAVA_HOME=%SAVED_JAVA_HOME%"

:run
set "OPENBLAS_CORETYPE="
set "OPENBLAS_L2_SIZE="
set "GC=-XX:+UseParallelGC"
echo " %HESSE_JAVA_OPTS% %JDK_JAVA_OPTIONS% %JAVA_TOOL_OPTIONS% " | findstr /r /c:"-XX:+Use.*GC" >nul && set "GC="
rem A drive's colon is no trouble here: on Windows archives are separated by a semicolon.
"%JAVA_BIN%" --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector %GC% -XX:+AutoCreateSharedArchive "-XX:SharedArchiveFile=%ROOT%target\hesse.jsa" -Xlog:cds*=off -Xlog:aot*=off %HESSE_JAVA_OPTS% -jar "%JAR%" %*
exit /b %ERRORLEVEL%

rem Sets JAVA_BIN and JAVA_DIR if the folder holds a JDK 25 or newer, going by its "release" file.
:try
if not exist "%~1\bin\java.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "usebackq tokens=2 delims==." %%V in (`findstr /b "JAVA_VERSION=" "%~1\release"`) do for /f "tokens=1 delims=+-" %%W in ("%%~V") do call :accept "%~1" "%%~W"
exit /b 0

:accept
set "MAJOR=%~2"
set "MAJOR=%MAJOR:"=%"
if %MAJOR% GEQ 25 (
  set "JAVA_BIN=%~1\bin\java.exe"
  set "JAVA_DIR=%~1"
)
exit /b 0
