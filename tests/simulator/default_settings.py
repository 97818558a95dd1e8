"""The settings of a simulated server: as many, and of the kinds, that a real one has.

Ids, types, defaults, groups, what is hidden and the keys of what can be chosen are
those that real servers list, or that public documents of their preferences name. All
labels and summaries are the simulator's own, as is the choice of what only a Plex Pass
brings (the markers), and that some labels hold a colon.
"""

from collections.abc import Iterator
import re

from .settings import SimulatedSetting

# A group, and its settings: id, type (a capital: hidden), default.
_TABLE = """
general
  FriendlyName t | sendCrashReports b 1 | PushNotificationsEnabled b 0 | logDebug b 1
  LogVerbose b 0 | logTokens b 0 | MinimumProgressTime I 60000 | collectUsageData B 1
  ButlerTaskUpdateServer t askme | ButlerTaskUpdateScheduled B 0
  ButlerTaskUpdateVersionSkipped T | ButlerUpdateChannel t 16

library
  FSEventLibraryUpdatesEnabled b 0 | FSEventLibraryPartialScanEnabled b 0
  watchMusicSections b 0 | ScheduledLibraryUpdatesEnabled b 0
  ScheduledLibraryUpdateInterval i 3600 | autoEmptyTrash b 1 | allowMediaDeletion b 1
  allowMediaDeletionLanOnly B 0 | OnDeckWindow i 16 | OnDeckLimit i 40
  OnDeckIncludePremieres b 1 | LibraryVideoPlayedThreshold i 95
  LibraryVideoPlayedAtBehaviour i 3 | SmartShuffleMusic b 1
  MusicSeparateAlbumTypes t enabled | ScannerLowPriority b 0 | MarkerSource t any
  GenerateBIFBehavior t never | GenerateIntroMarkerBehavior t asap
  GenerateCreditsMarkerBehavior t asap | GenerateAdMarkerBehavior t scheduled
  GenerateVADBehavior t never | GenerateChapterThumbBehavior t scheduled
  LoudnessAnalysisBehavior t scheduled | MusicAnalysisBehavior t scheduled
  LocationVisibility i 1 | DatabaseCacheSize i 40 | MergedRecentlyAdded b 0

extras
  CinemaTrailersType i 1 | CinemaTrailersFromLibrary b 1 | CinemaTrailersFromTheater b 0
  CinemaTrailersFromBluRay b 0 | CinemaTrailersIncludeEnglish b 1
  CinemaTrailersPrerollID t | GlobalMusicVideoPath t

channels
  iTunesSharingEnabled b 1 | iTunesLibraryXmlPath t | disableCapabilityChecking b 0
  PluginsLaunchTimeout I 180

network
  ConfigurationUrl T http://127.0.0.1:32400/web | EnableIPv6 b 0 | IPNetworkType t dualstack
  secureConnections i 1 | customCertificatePath t | customCertificateKey t
  customCertificateDomain t | PreferredNetworkInterface t | DisableTLSv1_0 b 0
  GdmEnabled b 1 | WanPerUserStreamCount i 0 | LanNetworksBandwidth t
  MinutesAllowedPaused i 0 | TreatWanIpAsLocal b 1 | RelayEnabled b 1
  customConnections t | allowedNetworks t | enableAirplay B 0 | enableHttpPipelining b 1
  WebHooksEnabled b 1

transcoder
  TranscoderQuality i 0 | SegmentedTranscoderTimeout I 20 | TranscoderTempDirectory t
  DownloadsTempDirectory t | TranscoderDefaultDuration I 120 | TranscoderThrottleBuffer i 60
  TranscoderPruneBuffer I 300 | TranscoderLivePruneBuffer I 5400
  TranscoderH264Preset T veryfast | TranscoderH264BackgroundPreset t veryfast
  TranscoderH264Options T | TranscoderH264OptionsOverride T | TranscoderH264MinimumCRF D 16
  TranscoderLogLevel T error | TranscoderToneMapping b 1
  TranscoderToneMappingAgorithm t hable | HardwareAcceleratedCodecs b 0
  HardwareAcceleratedEncoders b 1 | TranscoderHEVCEncoding t never
  TranscoderHEVCOptimize b 0 | SystemAudioCodecs B 1 | HardwareDevicePath T
  VaapiDriver T | VaapiKernelDriver T | TranscodeCountLimit i 0
  OptimizerTranscodeCountLimit i 0

dlna
  DlnaEnabled b 1 | DlnaPlatinumLoggingLevel T OFF | DlnaClientPreferences t
  DlnaReportTimeline b 1 | DlnaDefaultProtocolInfo t http-get:*:video/mpeg:*
  DlnaDeviceDiscoveryInterval i 60 | DlnaAnnouncementLeaseTime i 1800
  DlnaDescriptionIcons t png,jpeg;260x260,120x120,48x48

butler
  ButlerStartHour i 2 | ButlerEndHour i 5 | ButlerTaskBackupDatabase b 1
  ButlerDatabaseBackupPath t /Databases | ButlerTaskOptimizeDatabase b 1
  ButlerTaskCleanOldBundles b 1 | ButlerTaskCleanOldCacheFiles b 1
  ButlerTaskRefreshLocalMedia b 1 | ButlerTaskRefreshLibraries b 0
  ButlerTaskUpgradeMediaAnalysis b 1 | ButlerTaskRefreshPeriodicMetadata b 1
  ButlerTaskDeepMediaAnalysis b 1 | ButlerTaskRefreshEpgGuides b 1
  ButlerTaskReverseGeocode b 1 | ButlerTaskGarbageCollectBlobs B 1

other
  MachineIdentifier T | ProcessedMachineIdentifier T | AnonymousMachineIdentifier T
  AllowHighOutputBitrates B 0 | AcceptedEULA B 0 | LanguageInCloud B 0
  ArticleStrings T the,das,der,a,an,el,la | TranscoderCanOnlyRemuxVideo B 0
  TranscoderVideoResolutionLimit T 0x0 | TranscoderPhotoFileSizeLimitMiB I 100
  PublishServerOnPlexOnlineKey B 0 | PlexOnlineMail T | PlexOnlineUrl T https://plex.tv
  ManualPortMappingMode B 0 | ManualPortMappingPort I 32400 | LastAutomaticMappedPort I 0
  SyncMyPlexLoginGCDeferral I 14400 | SyncPagingItemsLimit I 100
  BackgroundQueueIdlePaused B 0 | BackgroundTranscodeLowPriority I 1
  WanPerStreamMaxUploadRate I 0 | WanTotalMaxUploadRate I 0 | forceAutoAdjustQuality B 0
  EnableABRDebugOverlay B 0 | ABRKeepOldTranscodes B 0 | ForceABRDisabled B 0
  GenerateIndexFilesDuringAnalysis B 0 | ButlerTaskGenerateMediaIndexFiles B 0
  GenerateBIFFrameInterval I 2 | GenerateBIFKeyframesOnly I 1 | LoudnessAnalysisThreads I 0
  LongRunningJobThreads I 4 | LogMemoryUse I 0 | LogNumFiles I 5 | AlbumSort T year:desc
  RadioTopTracksPerAlbum I 3 | RadioDaysSinceLastPlayed I 2 | RadioDirectoryThreshold I 0
  RadioDirectoryLimit I 50 | GracenoteUser T | CertificateUUID T | CertificateVersion I 2
  EyeQUser T | DvrShowUnsupportedDevices B 0 | DvrComskipRemoveIntermediates B 1
  DvrComskipKeepOriginal B 0 | DvrOnConnectTestingUrl T | SubtitlesPersistIfAdmin B 0
  DvrIncrementalEpgLoader B 0 | DvrAllowUnsupportedCountry B 0 | OldestPreviousVersion T
  MetricsEpoch I 1 | PubSubServer T | PubSubServerPing I 0 | PubSubServerRegion T
"""

_TYPES = {"b": "bool", "i": "int", "d": "double", "t": "text"}
_HOURS = "0:Midnight|" + "|".join(f"{hour}:{hour} h" for hour in range(1, 24))
_BEHAVIOR = "never:Never|scheduled:At night|asap:At night and with new media"
_CHOICES = {
    "ButlerStartHour": _HOURS,
    "ButlerEndHour": _HOURS,
    "ButlerUpdateChannel": "16:Public: for all|8:Beta: for the brave",
    "CinemaTrailersType": "0:All|1:Unwatched",
    "DlnaPlatinumLoggingLevel": "OFF|FATAL|SEVERE|WARNING|INFO|FINE|FINER|FINEST|ALL",
    "GenerateVADBehavior": "never:Never: it is loud|scheduled:From 2:00|asap:Now: always",
    "LocationVisibility": "1:Admin|2:Everyone",
    "PreferredNetworkInterface": ":Any",
    "secureConnections": "0:Required|1:Preferred|2:Disabled",
    "TranscoderQuality": "0:Automatic|1:Speed: first|2:Quality: first|3:Quality: only",
}
_MARKERS = {
    "GenerateIntroMarkerBehavior",
    "GenerateCreditsMarkerBehavior",
    "GenerateAdMarkerBehavior",
}
# To be about as long as what a real server says of a setting.
_FILLER = (
    "Made up by the simulator, which knows nothing of what this setting is for. It is"
    " just as long as what a real server has to say of its own settings, more or less."
)


def default_settings(*, plex_pass: bool = True) -> dict[str, SimulatedSetting]:
    """Return the settings of a current server as it was installed, by id."""
    return {
        setting.id: setting
        for setting in _rows()
        if plex_pass or setting.id not in _MARKERS
    }


def _rows() -> Iterator[SimulatedSetting]:
    for block in _TABLE.strip().split("\n\n"):
        group, *lines = block.splitlines()
        for cell in (cell for line in lines for cell in line.split(" | ")):
            setting_id, kind, *default = cell.split()
            behavior = setting_id.endswith("Behavior")
            yield SimulatedSetting(
                id=setting_id,
                type=_TYPES[kind.lower()],
                default="".join(default),
                hidden=kind.isupper(),
                group="" if group == "other" else group,
                label=" ".join(re.findall("[A-Z]?[a-z0-9]+|[A-Z]+", setting_id)),
                summary=_FILLER,
                enum_values=_CHOICES.get(setting_id, _BEHAVIOR if behavior else ""),
            )
